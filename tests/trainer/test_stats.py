import io
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from contract import charset as charsets
from trainer.dataset.sample import Sample
from trainer.dataset.stats import Look, Stats, count, gather
from trainer.progress import Silent


@dataclass(frozen=True)
class Bytes:
    """A picture in memory."""

    content: bytes | None

    def read(self) -> bytes:
        if self.content is None:
            raise FileNotFoundError
        return self.content

    def stamp(self) -> str:
        return ""


def encoded(mode: str, kind: str, size: tuple[int, int] = (30, 20), frames: int = 1) -> bytes:
    pictures = [Image.new(mode, size, shade) for shade in range(0, 80 * frames, 80)]
    buffer = io.BytesIO()
    pictures[0].save(buffer, kind, **({"save_all": True, "append_images": pictures[1:]} if frames > 1 else {}))
    return buffer.getvalue()


def stats_of(*pictures: tuple[str | None, bytes | None], charset: charsets.Charset | None = None) -> Stats:
    samples = [Sample(f"{index}", label, Bytes(content)) for index, (label, content) in enumerate(pictures)]
    return gather(samples, 1, Silent(), charset)


def test_a_set_is_counted() -> None:
    png, gif = encoded("L", "PNG"), encoded("L", "GIF", (9, 8), frames=3)
    stats = stats_of(("12", png), ("2", png), (None, encoded("RGB", "JPEG")), ("3", gif), ("", b"none"), ("2", None))
    assert stats.formats == {"PNG, gray": 2, "GIF, palette": 1, "JPEG, colour": 1}
    assert stats.sizes == {(30, 20): 3, (9, 8): 1}
    assert stats.lengths == {0: 1, 1: 3, 2: 1}
    assert stats.symbols == {"2": 3, "1": 1, "3": 1}
    assert (stats.pictures, stats.unreadable, stats.unlabelled, stats.animated, stats.copies) == (6, 2, 1, 1, 1)
    assert stats.size_bytes == 2 * len(png) + len(gif) + len(encoded("RGB", "JPEG")) + 4


def test_labels_are_counted_as_the_model_reads_them() -> None:
    folded = charsets.build("ALPHANUMERIC_LOWER", replace={"0": "o"})
    assert stats_of(("A0", None), ("a", None), charset=folded).symbols == {"a": 2, "o": 1}
    assert stats_of(("A0", None), ("a", None)).symbols == {"0": 1, "A": 1, "a": 1}


@pytest.mark.parametrize("labels", [[], [""]])
def test_next_to_nothing(labels: list[str]) -> None:
    assert count([Look("")], labels).symbols == {}


@given(st.lists(st.text(max_size=5), max_size=20))
def test_every_symbol_is_counted_once(labels: list[str]) -> None:
    stats = count([Look(str(index)) for index in range(20)], labels)
    assert sum(stats.symbols.values()) == sum(map(len, labels)) == sum(n * c for n, c in stats.lengths.items())
    assert list(stats.symbols.values()) == sorted(stats.symbols.values(), reverse=True)
