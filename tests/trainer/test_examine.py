import io
import random
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from contract.pretreatment import Pretreatment
from trainer.dataset.examine import Examined, Steps, examine
from trainer.dataset.sample import Sample
from trainer.dataset.spool import Spool
from trainer.progress import Silent

SIZE = (40, 20)


class Bytes:
    """A picture in memory."""

    def __init__(self, content: bytes | None) -> None:
        self._content = content

    def read(self) -> bytes:
        if self._content is None:
            raise FileNotFoundError(2, "No such file or directory")
        return self._content

    def stamp(self) -> str:
        return "now"


def look(content: bytes | None, spool: Spool | None = None) -> Examined:
    steps = Steps(Pretreatment(), SIZE, spool)
    return next(examine([(2, Sample("x.png", "1", Bytes(content)))], steps, 1, Silent(), "Looking"))


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    (tmp_path / "pixels").touch()
    return Spool(tmp_path / "pixels", 800)


def animation(kind: str) -> bytes:
    noise = np.random.default_rng(1).integers(0, 256, (3, 20, 40, 3), np.uint8)
    first, *others = [Image.fromarray(frame) for frame in noise]
    file = io.BytesIO()
    first.save(file, kind, save_all=True, append_images=others)
    return file.getvalue()


def test_a_picture_is_described(spool: Spool) -> None:
    file = io.BytesIO()
    Image.new("L", (70, 30), 9).save(file, "PNG")
    found = look(file.getvalue(), spool)
    assert (found.facts.size, found.facts.animated, found.facts.problem) == ((70, 30), False, "")
    with spool.opened() as reader:
        assert reader.get(2) == bytes([9]) * 800
    assert found.stamp == "now"


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_animations_are_seen(kind: str) -> None:
    assert look(animation(kind)).facts.animated


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "cannot be read: No such file or directory"), (b"", "not a picture"), (b"GIF89a", "damaged")],
)
def test_what_cannot_be_read_is_described(content: bytes | None, problem: str, spool: Spool) -> None:
    assert problem in look(content, spool).facts.problem
    assert spool.path.stat().st_size == 0


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_damage_of_any_kind_is_a_fact_not_a_crash(kind: str) -> None:
    whole, chance = animation(kind), random.Random(1)
    for _ in range(300):
        damaged = bytearray(whole[: chance.randrange(1, len(whole))])
        for _ in range(chance.randrange(3)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        facts = look(bytes(damaged)).facts
        assert bool(facts.problem) != bool(facts.pixels_sha256)


def test_an_empty_spool_can_be_opened(spool: Spool) -> None:
    with spool.opened() as reader:
        assert reader.get(0) == b""


@given(st.permutations(range(6)))
def test_a_spool_gives_back_what_was_put_in_whatever_the_order(order: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder, "pixels"), 3)
        spool.path.touch()
        spool.put((number, bytes([number] * 3)) for number in order[:3])
        spool.put((number, bytes([number] * 3)) for number in order[3:])
        with spool.opened() as reader:
            assert [reader.get(number) for number in range(6)] == [bytes([number] * 3) for number in range(6)]
