"""What both clients return and raise.

ClientError
├── UnreachableError   no answer from there
└── RefusedError       the service answered that it does not do this; it says why
"""

from dataclasses import dataclass


class ClientError(Exception):
    """Base of what a call can fail with."""


class UnreachableError(ClientError):
    """No answer came."""


class RefusedError(ClientError):
    """The service refused.

    Attributes:
        status: of HTTP as a number, of gRPC as its name.
        code: the number of captcha_platform; 0 if the answer had none.
    """

    def __init__(self, message: str, status: int | str, code: int) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Result:
    """What was read from one picture.

    Attributes:
        text: empty if the picture could not be read.
        confidence: probability of the text, 0..1.
        model: that read it, and its version.
        code: 0, or the number of captcha_platform for what is wrong.
        message: what is wrong.
    """

    text: str
    confidence: float
    model: str
    version: str
    code: int = 0
    message: str = ""


@dataclass(frozen=True)
class Patience:
    """How long to try.

    Attributes:
        seconds: for one call with all its attempts; see `exchange.Exchange` for what it does not reach over HTTP.
        retries: further attempts behind the first.
    """

    seconds: float = 10.0
    retries: int = 3
