"""What goes into the data plane and what comes out: the words that both transports share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from contract.decode import Symbol
from serving.errors import ServingError


@dataclass(frozen=True)
class Hints:
    """What a request says about the model it wants. Empty text counts as not said.

    Precedence: site, then type, then name, then the size of the picture.
    """

    site: str = ""
    type: str = ""
    name: str = ""


@dataclass(frozen=True)
class Answer:
    """The answer for one picture: a text from a named version of a model, or the error of this picture alone."""

    text: str = ""
    confidence: float = 0.0
    symbols: tuple[Symbol, ...] = ()
    model: str = ""
    version: str = ""
    error: ServingError | None = None


@dataclass(frozen=True)
class ModelStatus:
    """A version of a model as the admin routes show it.

    Attributes:
        state: one of the states of a version (see lifecycle), in lower case.
        reason: one sentence on why it is in that state.
        sha256: of its graph; empty while that is unknown.
        accuracy: share of whole texts that were right when it was made; None if its YAML does not say.
        golden: pictures that it has to read before it serves.
        latency: of one picture where it was measured, in ms (median); None if its YAML does not say.
        file: name of its YAML.
        since: when it came to this state, in seconds since 1970.
    """

    name: str
    version: str
    state: str
    reason: str = ""
    sha256: str = ""
    type: str = ""
    sites: tuple[str, ...] = ()
    size: tuple[int, int] = (0, 0)
    accuracy: float | None = None
    golden: int = 0
    latency: float | None = None
    file: str = ""
    since: float = 0.0


@dataclass(frozen=True)
class QueueStatus:
    """How busy an active version is.

    Attributes:
        waiting: pictures in its queue.
        leases: requests that hold it.
    """

    name: str
    version: str
    waiting: int
    leases: int


class Recognizes(Protocol):
    """The data plane as the transports see it."""

    def recognize(self, pictures: Sequence[bytes], hints: Hints, *, deadline: float | None = None) -> Sequence[Answer]:
        """Read pictures; one answer each, in order. Tells `serving.turns` before it waits for a model.

        Args:
            pictures: bytes of picture files.
            hints: which model is wanted.
            deadline: on the clock of time.monotonic(), in seconds; work not started by then is not done.

        Raises:
            ServingError: the request as a whole cannot be answered: unknown model, overload, nothing ready.
        """

    def models(self) -> Sequence[ModelStatus]:
        """Every version that is known, with its state."""

    def degraded(self) -> Sequence[str]:
        """One sentence for each folder or file that cannot be read; what is loaded goes on serving."""

    def ambiguities(self) -> Sequence[str]:
        """One sentence for each size, site or type that more than one model answers to."""

    def full(self, more: int) -> bool:
        """Whether no model has room for a picture, so that whatever is asked would be refused. Looked at often.

        Args:
            more: requests that have come already and were not looked at yet. Where there are several models, nobody
                knows which of them they are for, and they do not count.
        """

    def ready(self) -> bool:
        """Whether requests should be sent here: the first scan is done, a model is active, not draining."""
