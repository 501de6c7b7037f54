"""The pixels of a set that is packed: decoded on all cores, or taken from an earlier set of the same recipe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer import parallel
from trainer.config import TrainConfig
from trainer.dataset import records
from trainer.dataset.examine import Examined, examine, steps_of
from trainer.dataset.manifest import Manifest, Picture, Recipe, recipe_of
from trainer.dataset.sample import Sample
from trainer.dataset.spool import Spool
from trainer.dataset.stale import damaged_records
from trainer.errors import DataError
from trainer.progress import Progress


@dataclass(frozen=True)
class Packed:
    """An earlier packing in the same folder."""

    folder: Path
    manifest: Manifest

    def reusable(self, samples: Sequence[Sample], recipe: Recipe) -> dict[int, Picture]:
        """Return the samples, by number, whose pixels are in the records, with what is known of them."""
        if not self.manifest.same_pixels(recipe) or damaged_records(self.manifest, self.folder):
            return {}
        known = {(picture.Name, picture.Stamp): picture for picture in self.manifest.Pictures}
        found = ((number, known.get((sample.name, _stamp(sample)))) for number, sample in enumerate(samples))
        return {number: picture for number, picture in found if picture is not None}

    def files(self) -> list[Path]:
        """Return the files of records."""
        return [self.folder / name for name, _ in self.manifest.Records.values()]


def fill(
    spool: Spool, config: TrainConfig, samples: Sequence[Sample], earlier: Packed | None, progress: Progress
) -> list[Examined]:
    """Put the pixels of every picture that can be decoded into the spool.

    Args:
        spool: empty.
        config: decides what the pixels are.
        samples: their order gives the numbers in the spool.
        earlier: take what fits from this packing.
        progress: shows a bar.

    Returns:
        One per sample, in order.

    Raises:
        DataError: the earlier records are damaged.
    """
    known = earlier.reusable(samples, recipe_of(config)) if earlier else {}
    if earlier and known:
        progress.say(f"{len(known):,} pictures are packed already")
        _copy(earlier, known, spool)
    examined = {number: Examined(picture.facts, picture.Stamp) for number, picture in known.items()}
    new = [(number, sample) for number, sample in enumerate(samples) if number not in known]
    workers = parallel.worker_count(config.System.Threads)
    found = examine(new, steps_of(config, spool), workers, progress, "Decoding")
    examined.update((number, item) for (number, _), item in zip(new, found, strict=True))
    return [examined[number] for number in range(len(samples))]


def _copy(earlier: Packed, known: Mapping[int, Picture], spool: Spool) -> None:
    numbers: dict[str, list[int]] = {}
    for number, picture in known.items():
        numbers.setdefault(picture.SHA256, []).append(number)
    spool.put(
        (number, pixels)
        for file in earlier.files()
        for digest, pixels in records.pixels_by_digest(file)
        for number in numbers.pop(digest, ())
    )
    if numbers:
        raise DataError(f"the records in {earlier.folder} are not those of its manifest; pack again with --force")


def _stamp(sample: Sample) -> str:
    try:
        return sample.content.stamp()
    except OSError:
        return ""  # not known, so it is examined, which says what is wrong
