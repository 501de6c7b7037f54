"""One file as a scan sees it, and what is read from it when it has changed.

A file has changed when its (inode, size, mtime, ctime) is another one, never when it is "newer"; what it holds is known
by SHA-256.
"""

import errno
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from contract import legacy
from contract.errors import ConfigError
from contract.files import sha256
from contract.legacy import LegacyModel
from contract.legacy_charset import ReadFile, reader_in
from contract.spec import MAX_SPEC_BYTES, ModelSpec
from contract.strict import parse_yaml, validate

MAX_GRAPH_BYTES = 288 * 1024 * 1024  # the 256 MiB of constants that the engine takes, and all else that a graph has
_SUFFIXES = {".yaml", ".yml"}
_UNFINISHED = re.compile(r"^\.|^#|\.tmp$|\.part$|~$")
_GONE = {errno.ENOENT, errno.ENOTDIR}
_UNUSABLE = {errno.EINVAL, errno.EFBIG}  # what `reader_in` does not read


@dataclass(frozen=True)
class Fingerprint:
    """What changes whenever a file's content may have changed."""

    inode: int
    size: int  # bytes
    mtime_ns: int
    ctime_ns: int


@dataclass(frozen=True)
class Content:
    """What is in a file.

    Attributes:
        sha256: of its bytes, and of those of the file beside it.
        spec: of a YAML that could be read; all of it that there is without the graph.
        problem: why it is of no use, else empty.
        beside: a file that a YAML of captcha_trainer takes its symbols from, as it was before it was read; None for it
            if it is not there.
    """

    sha256: str = ""
    spec: ModelSpec | LegacyModel | None = None
    problem: str = ""
    beside: tuple[Path, Fingerprint | None] | None = None


@dataclass(frozen=True)
class SeenFile:
    """One file as a scan saw it.

    Attributes:
        settled: the scan before saw the same fingerprint.
        missing: it was there before and is not now; it is forgotten if the next scan does not see it either, so that an
            editor that deletes and writes anew removes nothing.
        content: what was in it when it was last read.
        passing: the problem is that it could not be read, so each scan looks again.
        trouble: why it could not be read this time although it could before; what was known of it stays.
    """

    path: Path
    fingerprint: Fingerprint
    settled: bool = False
    missing: bool = False
    content: Content = Content()
    passing: bool = False
    trouble: str = ""

    @property
    def sha256(self) -> str:
        """Of its content."""
        return self.content.sha256

    @property
    def spec(self) -> ModelSpec | LegacyModel | None:
        """Of its content."""
        return self.content.spec

    @property
    def problem(self) -> str:
        """Of its content."""
        return self.content.problem

    @property
    def graph_file(self) -> str | None:
        """Name of the .pb that a YAML wants."""
        if isinstance(self.spec, LegacyModel):
            return self.spec.graph_file
        return self.spec.Graph.File if self.spec else None

    @property
    def model_name(self) -> str:
        """Of the model; the file's own name if it cannot be read."""
        if self.spec is None:
            return self.path.stem
        return (self.spec.model if isinstance(self.spec, LegacyModel) else self.spec.Model).ModelName

    @property
    def steady(self) -> bool:
        """Whether its content is known and two scans saw it."""
        return self.settled and not self.missing and not self.problem


def listing(folder: Path, devices: dict[Path, int]) -> set[Path]:
    """Return the YAMLs of a folder; unfinished files are left out.

    Args:
        folder: to look into.
        devices: the file system that each folder was on; brought up to date.

    Raises:
        OSError: it cannot be read, or something else and empty has been mounted in its place.
    """
    device = folder.stat().st_dev
    files = {path for path in folder.iterdir() if not _UNFINISHED.search(path.name)}
    if not files and devices.get(folder, device) != device:
        raise OSError(errno.ENODEV, "another file system with nothing in it is there now: was the folder unmounted?")
    devices[folder] = device
    return {path for path in files if path.suffix.lower() in _SUFFIXES}


def look_at_all(
    paths: Iterable[Path], before: Mapping[Path, SeenFile], read: Callable[[Path, int], Content]
) -> dict[Path, SeenFile]:
    """Look at files; one that is as it was is not read again.

    Args:
        paths: of the files.
        before: what the last scan saw.
        read: returns the content of a file, from its path and size in bytes.
    """
    looks = ((path, _look(path, before.get(path), read)) for path in sorted(paths))
    return {path: seen for path, seen in looks if seen}


def _look(path: Path, before: SeenFile | None, read: Callable[[Path, int], Content]) -> SeenFile | None:
    fingerprint = Fingerprint(0, 0, 0, 0)
    try:
        status = path.stat()
        fingerprint = _fingerprint(status)
        if before and before.fingerprint == fingerprint and not (before.trouble or before.passing or _differs(before)):
            return before if before.settled and not before.missing else replace(before, settled=True, missing=False)
        if not stat.S_ISREG(status.st_mode):
            return SeenFile(path, fingerprint, content=Content(problem=f"{path.name} is not a regular file"))
        return SeenFile(path, fingerprint, content=read(path, status.st_size))
    except OSError as error:
        if error.errno in _GONE:
            return None if before is None or before.missing else replace(before, missing=True, settled=False)
        if before and not before.problem:
            return replace(before, trouble=unreadable(path, error), settled=True, missing=False)
        settled = before is not None and before.fingerprint == fingerprint
        return SeenFile(path, fingerprint, settled, content=Content(problem=unreadable(path, error)), passing=True)


def _fingerprint(status: os.stat_result) -> Fingerprint:
    return Fingerprint(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _differs(before: SeenFile) -> bool:
    """Return whether the file beside it is another one now."""
    if before.content.beside is None:
        return False
    path, fingerprint = before.content.beside
    return _look_beside(path) != fingerprint


def _look_beside(path: Path) -> Fingerprint | None:
    try:
        return _fingerprint(path.stat())
    except OSError:
        return None


class _Beside:
    """Reads the file beside a YAML that it takes its symbols from, and keeps in mind what it found."""

    def __init__(self, folder: Path) -> None:
        self.seen: tuple[Path, Fingerprint | None] | None = None
        self.contents: list[bytes] = []
        self.failure: OSError | None = None
        self._folder = folder

    def __call__(self, name: str) -> bytes:
        path = self._folder / name
        self.seen = path, _look_beside(path)
        try:
            content = reader_in(self._folder)(name)
        except OSError as error:
            if error.errno not in _GONE | _UNUSABLE:
                self.failure = error
            raise
        self.contents.append(content)
        return content


def read_spec(path: Path, size: int) -> Content:
    """Read a model YAML, for `look_at_all`."""
    if size > MAX_SPEC_BYTES:
        return Content(problem=f"{path.name}: {size:,} bytes are too many for a model YAML ({MAX_SPEC_BYTES:,})")
    content = path.read_bytes()
    beside = _Beside(path.parent)
    spec, problem = None, ""
    try:
        spec = _parse(content, path, beside)
    except ConfigError as error:
        if beside.failure:
            raise beside.failure from error
        problem = str(error)
    except Exception as error:  # noqa: BLE001 - whatever it is about this file, the others must go on being read
        problem = f"{path.name}: cannot be read as a model YAML: {type(error).__name__}: {error}"
    return Content(sha256(b"\0".join([content, *beside.contents])), spec, problem, beside.seen)


def _parse(content: bytes, path: Path, beside: ReadFile) -> ModelSpec | LegacyModel:
    tree = parse_yaml(content, path.name)
    old = legacy.parse(content, path.name, beside) if legacy.generation_of(tree) else None
    return old or validate(ModelSpec, tree, path.name)


def read_graph(path: Path, size: int) -> Content:
    """Digest a graph without taking it into memory, for `look_at_all`."""
    if size > MAX_GRAPH_BYTES:
        return Content(problem=f"{path.name}: {size:,} bytes are too many for a graph ({MAX_GRAPH_BYTES:,})")
    with path.open("rb") as file:
        return Content(hashlib.file_digest(file, "sha256").hexdigest())


def unreadable(path: Path, error: OSError) -> str:
    """Return a sentence on what could not be read."""
    return f"{error.filename or path} cannot be read: {error.strerror or error}"
