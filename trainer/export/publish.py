"""Copies an artifact into the folders that the platform watches: graph first, YAML last, each whole or not there."""

from dataclasses import dataclass
from pathlib import Path

from contract import spec as specs
from contract.files import sha256, write_atomically
from contract.spec import ModelSpec
from contract.strict import validate
from trainer.errors import TrainerError

PLATFORM = Path("platform")


@dataclass(frozen=True)
class Published:
    """Where an artifact went.

    Attributes:
        graph: the .pb.
        spec: the model YAML.
        replaced: whether other bytes of the same name and version were there.
    """

    graph: Path
    spec: Path
    replaced: bool


def publish(spec_path: Path, platform: Path = PLATFORM, version: str | None = None) -> Published:
    """Publish an artifact.

    Args:
        spec_path: its model YAML; the graph is in the folder `graph` beside the YAML's folder.
        platform: holds the folders `graph` and `model`; they are made if missing.
        version: publish it under this version instead of the YAML's.

    Raises:
        ConfigError: the YAML cannot be used, or the version is none.
        TrainerError: the graph is missing, or is not the one that the YAML names.
    """
    source = specs.read(spec_path)
    content = _graph_of(spec_path, source)
    spec = _renamed(source, version or source.Model.Version)
    target = Published(
        platform / "graph" / spec.Graph.File, platform / "model" / f"{Path(spec.Graph.File).stem}.yaml", replaced=False
    )
    for path in (target.graph, target.spec):
        path.parent.mkdir(parents=True, exist_ok=True)
    replaced = target.graph.exists() and target.graph.read_bytes() != content
    write_atomically(target.graph, content)
    specs.write(spec, target.spec)
    return Published(target.graph, target.spec, replaced)


def _graph_of(spec_path: Path, spec: ModelSpec) -> bytes:
    path = spec_path.parent.parent / "graph" / spec.Graph.File
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TrainerError(f"the graph of {spec_path} is missing: {path}: {error.strerror}") from error
    if sha256(content) != spec.Graph.SHA256:
        raise TrainerError(f"{path} is not the graph that {spec_path} names: export the model again")
    return content


def _renamed(spec: ModelSpec, version: str) -> ModelSpec:
    tree = spec.model_dump()
    tree["Model"]["Version"] = version
    tree["Graph"]["File"] = f"{spec.Model.ModelName}_{version}.pb"
    return validate(ModelSpec, tree, "--version")
