"""How a client shows who it is, and whom it believes."""

import ssl
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from serving.security.signing import Signable, authorization


@dataclass(frozen=True)
class Credentials:
    """What a client knows.

    Attributes:
        key: sent with each request; over a network only with TLS.
        signer: name of a key that signs instead of being sent.
        secret: of the signer.
        authority: PEM of who signed the service's certificate, where the system does not know it.

    Raises:
        ValueError: the key or the signer's name has characters that cannot be sent.
    """

    key: str = ""
    signer: str = ""
    secret: str = ""
    authority: Path | None = None

    def __post_init__(self) -> None:
        for name, text in (("key", self.key), ("signer's name", self.signer)):
            if not (text.isascii() and text.isprintable()):
                raise ValueError(f"the {name} has other characters than letters, digits and signs of ASCII")

    def headers(self, request: Signable) -> dict[str, str]:
        """Return the headers for one attempt at a request of HTTP."""
        if self.signer:
            return {"Authorization": authorization(self.signer, self.secret, request, time.time())}
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def metadata(self, call: Signable) -> tuple[tuple[str, str], ...]:
        """Return the metadata for one attempt at a call of gRPC."""
        return tuple((name.lower(), value) for name, value in self.headers(call).items())

    @cached_property
    def context(self) -> ssl.SSLContext:
        """The context of TLS, one for all connections: it takes its time to read whom the system believes."""
        return ssl.create_default_context(cafile=self.authority)
