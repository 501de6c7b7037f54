"""A reading of the two folders: which versions are there, and how complete they are.

`scan` depends on the files and on the scan before it, and on nothing else: no event, no clock.

A YAML counts once two scans in a row saw it unchanged. A graph counts as soon as its digest is the one in the YAML; one
that disagrees is wrong only once it has stopped changing. A YAML of captcha_trainer has no digest: its graph, of the
same name as the model, counts once it has stopped changing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from contract.legacy import LegacyModel
from contract.spec import ModelSpec
from serving.seen import SeenFile, listing, look_at_all, read_graph, read_spec, unreadable
from serving.states import State


@dataclass(frozen=True)
class Candidate:
    """A version that the folders offer.

    Attributes:
        key: one string for these very bytes of YAML, of its file of symbols if it has one, and of graph; the path of a
            YAML that is unreadable or not settled.
        path: of the YAML.
        stage: DISCOVERED when complete, else SETTLING, WAITING_FOR_GRAPH, REJECTED, or FAILED when the YAML cannot be
            read; `attempts` knows more of the latter two.
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

    @property
    def file(self) -> str:
        """The name of the YAML, fit to be printed."""
        return _printable(self.path.name)


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
        paths = listing(model_folder, devices)
        specs = look_at_all({*before.specs, *paths}, before.specs, read_spec)
    except OSError as error:
        specs = dict(before.specs)
        degraded.append(unreadable(model_folder, error))
    wanted = {graph_folder / seen.graph_file for seen in specs.values() if seen.graph_file}
    try:
        listing(graph_folder, devices)
        graphs = look_at_all(wanted, before.graphs, read_graph)
    except OSError as error:
        graphs = {path: seen for path, seen in before.graphs.items() if path in wanted}
        degraded.append(unreadable(graph_folder, error))
    degraded += [seen.trouble for seen in [*specs.values(), *graphs.values()] if seen.trouble]
    candidates = tuple(_candidate(seen, graphs, graph_folder) for seen in specs.values())
    return Scan(specs, graphs, devices, candidates, tuple(map(_printable, degraded)))


def _candidate(seen: SeenFile, graphs: Mapping[Path, SeenFile], graph_folder: Path) -> Candidate:
    path = graph_folder / seen.graph_file if seen.graph_file else None
    graph = graphs.get(path) if path else None
    stage, reason = _stage(seen, graph)
    spec = seen.spec
    if isinstance(spec, LegacyModel):
        spec = spec.with_graph(graph.sha256) if graph and graph.steady else None
    return Candidate(
        key=f"{seen.sha256}/{spec.Graph.SHA256}" if spec and seen.settled else str(seen.path),
        name=_printable(seen.model_name),
        path=seen.path,
        stage=stage,
        reason="\n".join(map(_printable, reason.splitlines())),
        spec=spec,
        graph=path,
    )


def _printable(text: str) -> str:
    """Return a text that can be encoded and is one line, whatever a file is called: its name need not be UTF-8."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _stage(seen: SeenFile, graph: SeenFile | None) -> tuple[State, str]:
    if seen.missing:
        return State.SETTLING, f"{seen.path.name} was there a moment ago"
    if not seen.settled:
        return State.SETTLING, f"{seen.path.name} is new or has just changed"
    if seen.spec is None:
        return State.FAILED if seen.passing else State.REJECTED, seen.problem
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
