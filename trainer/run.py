"""The run folder: the only owner of paths under `out/`.

out/<ModelName>/
    graph/<ModelName>_<Version>.pb      the artifact: what `publish` copies
    model/<ModelName>_<Version>.yaml
    run/run.json       what the run is made of: config, fingerprint of the set, versions, device
    run/pictures.json  that set's pictures with labels and sides, and what the weights at its start had learned from
    run/exclude.txt    names that --exclude left out, for --exclude again; only where it did
    run/learned.txt    test pictures that the weights have learned from, for --exclude; only where there are such
    run/state.npz      the newest checkpoint
    run/best.npz       the best weights so far
    run/regular.npz    those that best.npz held before a reading that an interruption made, for a run that goes on
    run/formats.sha256 of which network those in formats/ are; only where there are such
    run/history.csv    a line per reading of the test set
    run/config.yaml    the config with everything that was chosen filled in
    run/curves.png     loss and accuracy
    run/tensorboard/   the same for TensorBoard
    run/report.html    how good the model is, and every picture that it reads wrong
    run/relabel.csv    labels that `suspects` doubts, for `relabel`
    run/suspects.html  the same with their pictures
    formats/           the model for other runtimes, where asked for: <ModelName>_<Version>.onnx and the like
    rejected/          what the export's proof refused, to look at
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from contract.files import write_atomically
from contract.spec import ModelSection
from trainer.errors import TrainerError
from trainer.lock import HeldError, held

OUT = Path("out")


class RunInUseError(TrainerError):
    """A run folder that another process writes to."""


class RunChangedError(TrainerError):
    """An interrupted run that cannot go on, because what it is made of has changed."""


@dataclass(frozen=True)
class Run:
    """The folder of one model's training.

    Attributes:
        folder: `out/<ModelName>`.
        stem: of the artifact's file names.
    """

    IDENTITY: ClassVar[str] = "run.json"
    PICTURES: ClassVar[str] = "pictures.json"

    folder: Path
    stem: str

    @property
    def graph(self) -> Path:
        """The exported graph."""
        return self.folder / "graph" / f"{self.stem}.pb"

    @property
    def spec(self) -> Path:
        """The exported model YAML."""
        return self.folder / "model" / f"{self.stem}.yaml"

    @property
    def identity(self) -> Path:
        """What the run is made of."""
        return self.folder / "run" / self.IDENTITY

    @property
    def pictures(self) -> Path:
        """The pictures that the weights come from; see `trainer.training.lineage`."""
        return self.folder / "run" / self.PICTURES

    @property
    def excluded(self) -> Path:
        """The names that were left out."""
        return self.folder / "run" / "exclude.txt"

    @property
    def learned(self) -> Path:
        """Names of test pictures that the weights have learned from."""
        return self.folder / "run" / "learned.txt"

    @property
    def state(self) -> Path:
        """The newest checkpoint."""
        return self.folder / "run" / "state.npz"

    @property
    def best(self) -> Path:
        """The best weights so far."""
        return self.folder / "run" / "best.npz"

    @property
    def regular(self) -> Path:
        """The best weights of the regular readings, while `best` holds those of one that an interruption made."""
        return self.folder / "run" / "regular.npz"

    @property
    def formats_of(self) -> Path:
        """SHA-256 of the network that `formats` has: of its frozen graph in float32."""
        return self.folder / "run" / "formats.sha256"

    @property
    def history(self) -> Path:
        """A line per reading of the test set."""
        return self.folder / "run" / "history.csv"

    @property
    def config(self) -> Path:
        """The config with everything that was chosen filled in."""
        return self.folder / "run" / "config.yaml"

    @property
    def curves(self) -> Path:
        """A picture of loss and accuracy."""
        return self.folder / "run" / "curves.png"

    @property
    def tensorboard(self) -> Path:
        """The folder of logs for TensorBoard."""
        return self.folder / "run" / "tensorboard"

    @property
    def report(self) -> Path:
        """How good the model is, for a browser."""
        return self.folder / "run" / "report.html"

    @property
    def relabel(self) -> Path:
        """Labels that `suspects` doubts."""
        return self.folder / "run" / "relabel.csv"

    @property
    def suspects(self) -> Path:
        """The same for a browser, with their pictures."""
        return self.folder / "run" / "suspects.html"

    @property
    def rejected(self) -> Path:
        """What the export's proof refused."""
        return self.folder / "rejected"

    def in_format(self, name: str) -> Path:
        """The model in another format: a file, or a folder for `savedmodel`."""
        return self.folder / "formats" / f"{self.stem}.{name}"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other process from writing to the folder. A process that is gone, however it went, holds nothing.

        Raises:
            RunInUseError: another process is at it; says which.
        """
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as holding:
            try:
                holding.enter_context(held(self.folder.with_name(f".{self.folder.name}.lock")))
            except HeldError as error:
                raise RunInUseError(
                    f"{self.folder} is in use by {error.holder}, which trains or exports this model: wait until it is "
                    "done, stop it (Ctrl-C there keeps the best so far), or give your model another ModelName"
                ) from error
            yield

    def make(self) -> None:
        """Make the folders; those that are there stay as they are."""
        for path in (self.graph, self.spec, self.identity):
            path.parent.mkdir(parents=True, exist_ok=True)

    def clear(self, *, keep_best: bool = False) -> None:
        """Forget the training so far. An exported model stays until the next one takes its place.

        So does `pictures`: as long as old weights are there, it must say what those come from.

        Args:
            keep_best: leave the best weights until better ones take their place: the next training starts from them.
        """
        weights = [self.state, self.regular] if keep_best else [self.state, self.regular, self.best]
        for path in (*weights, self.history, self.identity, self.excluded, self.config, self.curves, self.report):
            path.unlink(missing_ok=True)
        if self.tensorboard.exists():
            shutil.rmtree(self.tensorboard)

    def earlier(self) -> dict[str, Any] | None:
        """Return what the run in this folder is made of; None if there is no checkpoint to go on from."""
        if not self.state.exists():
            return None
        tree: dict[str, Any] = json.loads(self.identity.read_text("utf-8"))
        return tree

    def begin(
        self, made_of: dict[str, Any], notes: dict[str, Any], pictures: Sequence[str] | None = None, tainted: str = ""
    ) -> None:
        """Write what the run is made of, or check it against what is there.

        Args:
            made_of: JSON values that must be equal for a run to go on.
            notes: further facts for whoever repeats the run.
            pictures: what became of the pictures, to be told instead of their fingerprints; None if nobody knows.
            tainted: why no warm start from this run can be advised; empty if one can.

        Raises:
            RunChangedError: the run that is there is made of something else; says what changed.
        """
        earlier = self.earlier()
        changed = differences(earlier["made_of"], made_of) if earlier else []
        if earlier and changed:
            if pictures is not None:
                hidden = {"pictures": None}
                changed = [*differences(earlier["made_of"] | hidden, made_of | hidden), *pictures] or changed
            warm = f"from what it has learned with --fresh --warm-start {self.folder}"
            afresh = f"start afresh with --fresh, {f'but not {warm}, for {tainted}' if tainted else f'or {warm}'}"
            raise RunChangedError(
                f"the training in {self.folder} cannot go on, because something changed: {'; '.join(changed)}. "
                f"Change it back; {afresh}; or give the model another ModelName"
            )
        content = json.dumps({"made_of": made_of, "notes": notes}, indent=2, ensure_ascii=False)
        write_atomically(self.identity, content.encode())


def run_of(model: ModelSection, out: Path = OUT) -> Run:
    """Return the run of a model; nothing is created."""
    return Run(out / model.ModelName, f"{model.ModelName}_{model.Version}")


def differences(earlier: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[str]:
    """Name what differs between two trees of JSON values, by path. Pure."""
    result = []
    for key in sorted({*earlier, *now}):
        old, new = earlier.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            result += differences(old, new, f"{prefix}{key}.")
        elif old != new:
            result.append(f"{prefix}{key} was {_short(old)}, is {_short(new)}")
    return result


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}..."
