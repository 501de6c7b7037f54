"""Pack a set: every picture decoded once on all cores, checked, split and written as records with a manifest.

`dataset/<ModelName>/` holds the manifest and a file of records for each side. The files carry the start of the set's
fingerprint in their names and the manifest is replaced last, so that at every moment the folder holds one whole set.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from contract.charset import Charset
from contract.files import sha256
from trainer.config import TrainConfig
from trainer.dataset import manifest as manifests
from trainer.dataset import records, rules
from trainer.dataset.division import divide, doubt
from trainer.dataset.examine import Examined
from trainer.dataset.findings import SIDES, Entry, Finding, Severity, Side
from trainer.dataset.manifest import Manifest, Picture
from trainer.dataset.records import Examples, Record
from trainer.dataset.reuse import Packed, fill
from trainer.dataset.sample import Sample
from trainer.dataset.scan import Scan, scan
from trainer.dataset.spool import Spool, SpoolReader
from trainer.dataset.stale import stale_reason
from trainer.dataset.target import target_of
from trainer.dataset.verify import entries
from trainer.dataset.workplace import alone_in, scratch_in, uncollected
from trainer.errors import DataError, FindingsError
from trainer.progress import Progress

ROOT = Path("dataset")

SHOWN_EVERY = 64  # records: moving a bar takes as long as writing one


@dataclass(frozen=True)
class PackedSet:
    """A packed set.

    Attributes:
        files: the records of each side.
        fingerprint: SHA-256 of what it holds.
        shape: (H, W, C) of the contract pixels.
        counts: how many pictures are on each side.
        excluded: how many pictures were left out on demand.
        warnings: what verification found for this config.
        endless: the pictures to train on are drawn while training; that side is empty here.
    """

    files: Mapping[Side, Path]
    fingerprint: str
    shape: tuple[int, int, int]
    counts: Mapping[Side, int]
    excluded: int
    warnings: tuple[Finding, ...] = ()
    endless: bool = False

    @property
    def manifest(self) -> Manifest:
        """What it is made of, picture by picture.

        Raises:
            DataError: another process has packed it again since.
        """
        folder = self.files["test"].parent
        found = manifests.read(folder)
        if found is None or found.Fingerprint != self.fingerprint:
            raise DataError(f"the set in {folder} was packed again by another process; run the command again")
        return found

    def load(self, side: Side) -> Examples:
        """Load one side into memory."""
        return records.load(self.files[side], self.counts[side], self.shape)


def prepare(
    config: TrainConfig, progress: Progress, exclude: frozenset[str] = frozenset(), root: Path = ROOT
) -> PackedSet:
    """Return the packed set of a config; pack it first, and say why, if there is none or it is stale.

    Raises:
        SourceError: a folder is missing, or has no picture in it.
        FindingsError: verification found errors.
        DataError: the split leaves one side empty, or a picture changed while it was packed.
    """
    found = _scanned(config, progress, exclude)
    folder, recipe = folder_of(config, root), manifests.recipe_of(config)
    old = manifests.read(folder)
    reason = stale_reason(old, folder, recipe, found.without(exclude))
    if reason is None and old is not None:
        share = doubt([picture.Side for picture in old.Pictures], recipe, folder)
        return _packed(folder, old, _checked(config, old.entries()) + share)
    progress.say(f"Packing {config.Model.ModelName}: {reason}")
    return _pack(config, progress, found, exclude, reuse=True, folder=folder)


def pack(
    config: TrainConfig, progress: Progress, exclude: frozenset[str] = frozenset(), root: Path = ROOT
) -> PackedSet:
    """Pack every picture of a config anew, whether the set is stale or not; arguments and errors as `prepare`."""
    found = _scanned(config, progress, exclude)
    return _pack(config, progress, found, exclude, reuse=False, folder=folder_of(config, root))


def folder_of(config: TrainConfig, root: Path = ROOT) -> Path:
    """Return the folder of a config's packed set."""
    return root / config.Model.ModelName


def _scanned(config: TrainConfig, progress: Progress, exclude: frozenset[str]) -> Scan:
    found = scan(config)
    if exclude:
        progress.say(found.left_out_sentence(exclude))
    return found


def _pack(
    config: TrainConfig, progress: Progress, found: Scan, exclude: frozenset[str], *, reuse: bool, folder: Path
) -> PackedSet:
    kept = found.without(exclude)
    recipe = manifests.recipe_of(config)
    with alone_in(folder), scratch_in(folder) as scratch, uncollected():
        old = manifests.read(folder)  # not before: another process may have packed it just now
        width, height = config.input_size
        spool = Spool(scratch / "pixels", size=width * height * config.Pretreatment.ImageChannel)
        spool.path.touch()
        examined = fill(spool, config, kept.samples, Packed(folder, old) if old and reuse else None, progress)
        given = entries(kept, [item.facts for item in examined])
        warnings = _checked(config, given)
        sides, threshold = divide(given, recipe, old)
        warnings += doubt(sides, recipe, folder)
        pictures = _pictures(kept, examined, sides)
        with spool.opened() as reader:
            for side in SIDES:
                chosen = _records(side, kept.samples, pictures, config.charset, reader)
                records.write(scratch / side, _shown(chosen, progress, f"Writing {side}", sides.count(side)))
        manifest = Manifest(
            Fingerprint=manifests.fingerprint(recipe, pictures),
            Made=recipe,
            Threshold=threshold,
            Records={},
            Excluded=sorted(exclude & {sample.name for sample in found.samples}),
            Pictures=sorted(pictures, key=lambda picture: picture.Name),
        )
        return _packed(folder, _publish(manifest, scratch, folder), warnings)


@contextmanager
def kept(config: TrainConfig, root: Path = ROOT) -> Iterator[None]:
    """Keep the set of a config from being packed again: a training reads its records until the very end.

    Raises:
        DataError: another process packs it, or trains on it.
    """
    with alone_in(folder_of(config, root)):
        yield


def _checked(config: TrainConfig, given: Sequence[Entry]) -> tuple[Finding, ...]:
    findings = rules.check(given, target_of(config))
    errors = [finding.text for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        raise FindingsError(errors)
    return tuple(findings)


def _pictures(kept: Scan, examined: Sequence[Examined], sides: Sequence[Side]) -> list[Picture]:
    return [
        Picture(
            Name=sample.name,
            Label=sample.label or "",
            SHA256=item.facts.sha256,
            Pixels=item.facts.pixels_sha256,
            Size=list(item.facts.size or ()),
            Animated=item.facts.animated,
            Side=side,
            Stamp=item.stamp,
        )
        for sample, item, side in zip(kept.samples, examined, sides, strict=True)
    ]


def _records(
    side: Side, samples: Sequence[Sample], pictures: Sequence[Picture], charset: Charset, spool: SpoolReader
) -> Iterator[Record]:
    """Yield the records of a side in the order of their digests: the same on every machine, and well mixed."""
    chosen = [index for index, picture in enumerate(pictures) if picture.Side == side]
    for index in sorted(chosen, key=lambda index: (pictures[index].SHA256, pictures[index].Name)):
        yield Record(
            pixels=spool.get(index),
            label=charset.fold(pictures[index].Label),
            name=pictures[index].Name,
            sha256=pictures[index].SHA256,
            encoded=_unchanged(samples[index], pictures[index].SHA256) if side == "test" else b"",
        )


def _unchanged(sample: Sample, digest: str) -> bytes:
    try:
        content = sample.content.read()
    except OSError as error:
        raise DataError(f"{sample.name} went away while it was packed; run the command again") from error
    if sha256(content) != digest:
        raise DataError(f"{sample.name} changed while it was packed; run the command again")
    return content


def _publish(manifest: Manifest, scratch: Path, folder: Path) -> Manifest:
    names = {side: f"{side}-{manifest.Fingerprint[:12]}.tfrecords" for side in SIDES}
    for side, name in names.items():
        (scratch / side).replace(folder / name)
    written = {side: (name, (folder / name).stat().st_size) for side, name in names.items()}
    complete = manifest.model_copy(update={"Records": written})
    manifests.write(folder, complete)
    for file in folder.glob("*.tfrecords"):
        if file.name not in names.values():
            file.unlink()
    return complete


def _packed(folder: Path, manifest: Manifest, warnings: tuple[Finding, ...]) -> PackedSet:
    recipe = manifest.Made
    return PackedSet(
        files={side: folder / name for side, (name, _) in manifest.Records.items()},
        fingerprint=manifest.Fingerprint,
        shape=(recipe.Height, recipe.Width, recipe.Pretreatment.ImageChannel),
        counts={side: manifest.count(side) for side in SIDES},
        excluded=len(manifest.Excluded),
        warnings=warnings,
        endless=recipe.Drawn is not None,
    )


def _shown(items: Iterable[Record], progress: Progress, title: str, total: int) -> Iterator[Record]:
    with progress.steps(title, total) as bar:  # starts with the first item: importing tensorflow is not writing
        for number, item in enumerate(items, start=1):
            yield item
            if number % SHOWN_EVERY == 0:
                bar.advance(SHOWN_EVERY)
        bar.advance(total % SHOWN_EVERY)
