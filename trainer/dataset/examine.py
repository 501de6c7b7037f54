"""Look at every picture once, on all cores: is it readable, how large, and what are its contract pixels."""

import functools
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple, cast

from contract import image, pixels
from contract.errors import PictureError
from trainer import parallel
from trainer.dataset.sample import Sample
from trainer.dataset.spool import Spool
from trainer.dataset.wholeness import damage

if TYPE_CHECKING:  # workers import this file, and need no bars, nor pydantic: it would take them half as long to start
    from trainer.config import TrainConfig
    from trainer.progress import Progress

Numbered = tuple[int, Sample]


class Facts(NamedTuple):  # a tuple, as is the next: thousands of them come from the workers
    """What one picture turned out to be.

    Attributes:
        sha256: of the file's bytes; empty if they cannot be read.
        size: (width, height) of the original in pixels; None if it cannot be decoded.
        animated: there is more than the one frame that is read.
        pixels_sha256: of the contract pixels; empty if it cannot be decoded.
        problem: why it cannot be decoded, as a sentence; empty if it can.
    """

    sha256: str
    size: tuple[int, int] | None = None
    animated: bool = False
    pixels_sha256: str = ""
    problem: str = ""


class Examined(NamedTuple):
    """Facts, and when they held.

    Attributes:
        facts: about the picture.
        stamp: of the content at that time.
    """

    facts: Facts
    stamp: str


@dataclass(frozen=True)
class Steps:
    """How pictures become pixels.

    Attributes:
        pretreatment: of the config.
        size: (width, height) in pixels that the network sees.
        spool: takes the pixels, at the numbers of their pictures; None keeps only their digests.
    """

    pretreatment: pixels.Steps
    size: tuple[int, int]
    spool: Spool | None = None


def steps_of(config: "TrainConfig", spool: Spool | None = None) -> Steps:
    """Return how a config turns pictures into pixels, and where those go, in a form that brings workers no pydantic."""
    return Steps(cast("pixels.Steps", SimpleNamespace(**dict(config.Pretreatment))), config.input_size, spool)


def examine(
    samples: Sequence[Numbered], steps: Steps, workers: int, progress: "Progress", title: str
) -> Iterator[Examined]:
    """Examine pictures on all cores, with a bar.

    Args:
        samples: each with its number in the spool.
        steps: how pictures become pixels, and where those go.
        workers: processes.
        progress: shows the bar.
        title: of the bar.

    Yields:
        One `Examined` per sample, in order.
    """
    if not samples:
        return
    with progress.steps(title, len(samples)) as bar:
        for chunk in parallel.in_order(functools.partial(_examine_chunk, steps=steps), samples, workers):
            yield from chunk
            bar.advance(len(chunk))


def _examine_chunk(samples: Sequence[Numbered], steps: Steps) -> list[Examined]:
    examined, pictures = [], []
    for number, sample in samples:
        item, pixels = _examine_one(sample, steps)
        examined.append(item)
        if pixels is not None:
            pictures.append((number, pixels.data))
    if steps.spool:
        steps.spool.put(pictures)
    return examined


def _examine_one(sample: Sample, steps: Steps) -> tuple[Examined, pixels.Pixels | None]:
    try:
        stamp = sample.content.stamp()
        content = sample.content.read()
    except OSError as error:
        return Examined(Facts("", problem=f"cannot be read: {error.strerror or error}"), ""), None
    digest = hashlib.sha256(content).hexdigest()
    try:
        picture = image.read(content, steps.pretreatment, steps.size)
    except PictureError as error:
        return Examined(Facts(digest, problem=str(error)), stamp), None
    if problem := damage(content):
        return Examined(Facts(digest, problem=problem), stamp), None
    pixels = picture.pixels
    facts = Facts(digest, picture.size, picture.animated, hashlib.sha256(pixels.data).hexdigest())
    return Examined(facts, stamp), pixels if steps.spool else None
