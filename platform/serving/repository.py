"""A reading of the two folders: which versions are there, and how complete they are.

`scan` depends on the files and on the scan before it, and on nothing else: no event, no clock. A file has changed when
its (inode, size, mtime, ctime) is another one, never when it is "newer"; what it holds is known by SHA-256.

A YAML counts once two scans in a row saw it unchanged. A graph counts as soon as its digest is the one in the YAML; one
that disagrees is wrong only once it has stopped changing. A YAML of captcha_trainer has no digest: its graph, of the
same name as the model, counts once it has stopped changing.
"""

import errno
import hashlib
import re
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from contract import legacy
from contract.errors import ConfigError
from contract.files import sha256
from contract.legacy import LegacyModel
from contract.spec import MAX_SPEC_BYTES, ModelSpec
from contract.strict import parse_yaml, validate
from serving.states import State

MAX_GRAPH_BYTES = 2**31 - 1  # a protobuf message can hold no more
_SUFFIXES = {".yaml", ".yml"}
_UNFINISHED = re.compile(r"^\.|^#|\.tmp$|\.part$|~$")
_GONE = {errno.ENOENT, errno.ENOTDIR}


@dataclass(frozen=True)
class Fingerprint:
    """What changes whenever a file's content may have changed."""

    inode: int
    size: int  # bytes
    mtime_ns: int
    ctime_ns: int


@dataclass(frozen=True)
class SeenFile:
    """One file as a scan saw it.

    Attributes:
        settled: the scan before saw the same fingerprint.
        missing: it was there before and is not now; it is forgotten if the next scan does not see it either, so that an
            editor that deletes and writes anew removes nothing.
        sha256: of its bytes.
        spec: of a YAML that could be read; all of it that there is without the graph.
        problem: why its content is of no use, else empty.
        trouble: why it could not be read this time although it could before; what was known of it stays.
    """

    path: Path
    fingerprint: Fingerprint
    settled: bool = False
    missing: bool = False
    sha256: str = ""
    spec: ModelSpec | LegacyModel | None = None
    problem: str = ""
    trouble: str = ""

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


@dataclass(frozen=True)
class Candidate:
    """A version that the folders offer.

    Attributes:
        key: one string for these very bytes of YAML and graph; the path of a YAML that is unreadable or not settled.
        path: of the YAML.
        stage: DISCOVERED when complete, else SETTLING, WAITING_FOR_GRAPH or REJECTED (lifecycle adds FAILED).
        reason: one sentence on the stage.
    """

    key: str
    name: str
    path: Path
    stage: State
    reason: str
    spec: ModelSpec | None = None
    graph: Path | None = None

    @property
    def version(self) -> str:
        """As the YAML has it; empty when that cannot be read."""
        return self.spec.Model.Version if self.spec else ""


@dataclass(frozen=True)
class Scan:
    """What a scan saw.

    Attributes:
        degraded: one sentence for each folder or file that could not be read; what was known of it stays.
        restless: something has yet to settle, so the next scan should come soon.
    """

    specs: Mapping[Path, SeenFile] = field(default_factory=dict)
    graphs: Mapping[Path, SeenFile] = field(default_factory=dict)
    devices: Mapping[Path, int] = field(default_factory=dict)
    candidates: tuple[Candidate, ...] = ()
    degraded: tuple[str, ...] = ()

    @property
    def restless(self) -> bool:
        """Whether anything has yet to settle."""
        seen = [*self.specs.values(), *self.graphs.values()]
        return any(not file.settled for file in seen)


def scan(graph_folder: Path, model_folder: Path, before: Scan) -> Scan:
    """Look at the folders.

    Args:
        graph_folder: of .pb files.
        model_folder: of their YAMLs.
        before: the scan before, or `Scan()`.

    Returns:
        What is there now. Never raises for what it finds.
    """
    devices = dict(before.devices)
    degraded: list[str] = []
    try:
        paths = _listing(model_folder, devices)
        specs = _look_at_all({*before.specs, *paths}, before.specs, _read_spec)
    except OSError as error:
        specs = dict(before.specs)
        degraded.append(_unreadable(model_folder, error))
    wanted = {graph_folder / seen.graph_file for seen in specs.values() if seen.graph_file}
    try:
        _listing(graph_folder, devices)
        graphs = _look_at_all(wanted, before.graphs, _read_graph)
    except OSError as error:
        graphs = {path: seen for path, seen in before.graphs.items() if path in wanted}
        degraded.append(_unreadable(graph_folder, error))
    degraded += [seen.trouble for seen in [*specs.values(), *graphs.values()] if seen.trouble]
    candidates = tuple(_candidate(seen, graphs, graph_folder) for seen in specs.values())
    return Scan(specs, graphs, devices, candidates, tuple(degraded))


def _listing(folder: Path, devices: dict[Path, int]) -> set[Path]:
    device = folder.stat().st_dev
    files = {path for path in folder.iterdir() if not _UNFINISHED.search(path.name)}
    if not files and devices.get(folder, device) != device:
        raise OSError(errno.ENODEV, "another file system with nothing in it is there now: was the folder unmounted?")
    devices[folder] = device
    return {path for path in files if path.suffix.lower() in _SUFFIXES}


_Content = tuple[str, ModelSpec | LegacyModel | None, str]  # SHA-256, spec, problem


def _look_at_all(
    paths: Iterable[Path], before: Mapping[Path, SeenFile], read: Callable[[Path, int], _Content]
) -> dict[Path, SeenFile]:
    looks = ((path, _look(path, before.get(path), read)) for path in sorted(paths))
    return {path: seen for path, seen in looks if seen}


def _look(path: Path, before: SeenFile | None, read: Callable[[Path, int], _Content]) -> SeenFile | None:
    fingerprint = Fingerprint(0, 0, 0, 0)
    try:
        status = path.stat()
        fingerprint = Fingerprint(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if before and before.fingerprint == fingerprint and not before.trouble:
            return before if before.settled and not before.missing else replace(before, settled=True, missing=False)
        if not stat.S_ISREG(status.st_mode):
            return SeenFile(path, fingerprint, problem=f"{path.name} is not a regular file")
        digest, spec, problem = read(path, status.st_size)
    except OSError as error:
        if error.errno in _GONE:
            return None if before is None or before.missing else replace(before, missing=True, settled=False)
        if before and not before.problem:
            return replace(before, trouble=_unreadable(path, error), settled=True, missing=False)
        settled = before is not None and before.fingerprint == fingerprint
        return SeenFile(path, fingerprint, settled, problem=_unreadable(path, error))
    return SeenFile(path, fingerprint, sha256=digest, spec=spec, problem=problem)


def _read_spec(path: Path, size: int) -> _Content:
    if size > MAX_SPEC_BYTES:
        return "", None, f"{path.name}: {size:,} bytes are too many for a model YAML ({MAX_SPEC_BYTES:,})"
    content = path.read_bytes()
    try:
        return sha256(content), _parse(content, path), ""
    except ConfigError as error:
        return sha256(content), None, str(error)


def _parse(content: bytes, path: Path) -> ModelSpec | LegacyModel:
    tree = parse_yaml(content, path.name)
    old = legacy.parse(content, path.name, path.parent) if legacy.generation_of(tree) else None
    return old or validate(ModelSpec, tree, path.name)


def _read_graph(path: Path, size: int) -> _Content:
    if size > MAX_GRAPH_BYTES:
        return "", None, f"{path.name}: {size:,} bytes are too many for a graph ({MAX_GRAPH_BYTES:,})"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), None, ""


def _unreadable(path: Path, error: OSError) -> str:
    return f"{path} cannot be read: {error.strerror or error}"


def _candidate(seen: SeenFile, graphs: Mapping[Path, SeenFile], graph_folder: Path) -> Candidate:
    path = graph_folder / seen.graph_file if seen.graph_file else None
    graph = graphs.get(path) if path else None
    stage, reason = _stage(seen, graph)
    spec = seen.spec
    if isinstance(spec, LegacyModel):
        spec = spec.with_graph(graph.sha256) if graph and graph.steady else None
    return Candidate(
        key=f"{seen.sha256}/{spec.Graph.SHA256}" if spec and seen.settled else str(seen.path),
        name=seen.model_name,
        path=seen.path,
        stage=stage,
        reason=reason,
        spec=spec,
        graph=path,
    )


def _stage(seen: SeenFile, graph: SeenFile | None) -> tuple[State, str]:
    if seen.missing:
        return State.SETTLING, f"{seen.path.name} was there a moment ago"
    if not seen.settled:
        return State.SETTLING, f"{seen.path.name} is new or has just changed"
    if seen.spec is None:
        return State.REJECTED, seen.problem
    if graph is None or graph.missing or graph.problem:
        problem = graph.problem if graph else ""
        return State.WAITING_FOR_GRAPH, problem or f"{seen.graph_file} is not there yet"
    return _legacy_stage(seen.spec, graph) if isinstance(seen.spec, LegacyModel) else _graph_stage(seen.spec, graph)


def _graph_stage(spec: ModelSpec, graph: SeenFile) -> tuple[State, str]:
    wanted = spec.Graph
    if graph.sha256 == wanted.SHA256:
        return State.DISCOVERED, "complete: the graph's SHA-256 is the one in the YAML"
    sentence = f"{wanted.File} has SHA-256 {graph.sha256[:12]}..., the YAML says {wanted.SHA256[:12]}..."
    if not graph.settled:
        return State.SETTLING, sentence
    return State.REJECTED, f"{sentence}: copy the graph that belongs to this YAML"


def _legacy_stage(model: LegacyModel, graph: SeenFile) -> tuple[State, str]:
    if not graph.settled:
        return State.SETTLING, f"{model.graph_file} is new or has just changed, and its YAML has no SHA-256 to go by"
    return State.DISCOVERED, "; ".join(["complete, as far as a YAML of captcha_trainer tells", *model.notes])
