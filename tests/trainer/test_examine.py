import io
import random

import numpy as np
import pytest
from PIL import Image

from contract.image import Pretreatment
from trainer.dataset.examine import Examined, Steps, examine
from trainer.dataset.sample import Sample
from trainer.progress import Silent

STEPS = Steps(Pretreatment(), (40, 20), keep_pixels=True)


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


def look(content: bytes | None) -> Examined:
    return next(examine([Sample("x.png", "1", Bytes(content))], STEPS, 1, Silent(), "Looking"))


def animation(kind: str) -> bytes:
    noise = np.random.default_rng(1).integers(0, 256, (3, 20, 40, 3), np.uint8)
    first, *others = [Image.fromarray(frame) for frame in noise]
    file = io.BytesIO()
    first.save(file, kind, save_all=True, append_images=others)
    return file.getvalue()


def test_a_picture_is_described() -> None:
    file = io.BytesIO()
    Image.new("L", (70, 30), 9).save(file, "PNG")
    found = look(file.getvalue())
    assert (found.facts.size, found.facts.animated, found.facts.problem) == ((70, 30), False, "")
    assert found.pixels == bytes([9]) * 800
    assert found.stamp == "now"


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_animations_are_seen(kind: str) -> None:
    found = look(animation(kind))
    assert found.facts.animated
    assert len(found.pixels) == 800


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "cannot be read: No such file or directory"), (b"", "not a picture"), (b"GIF89a", "damaged")],
)
def test_what_cannot_be_read_is_described(content: bytes | None, problem: str) -> None:
    found = look(content)
    assert problem in found.facts.problem
    assert found.pixels == b""


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_damage_of_any_kind_is_a_fact_not_a_crash(kind: str) -> None:
    whole, chance = animation(kind), random.Random(1)
    for _ in range(300):
        damaged = bytearray(whole[: chance.randrange(1, len(whole))])
        for _ in range(chance.randrange(3)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        facts = look(bytes(damaged)).facts
        assert bool(facts.problem) != bool(facts.pixels_sha256)
