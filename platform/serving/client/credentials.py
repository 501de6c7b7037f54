"""How a client shows who it is, and whom it believes."""

import ssl
import time
from dataclasses import dataclass
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
    """

    key: str = ""
    signer: str = ""
    secret: str = ""
    authority: Path | None = None

    def headers(self, request: Signable) -> dict[str, str]:
        """Return the headers for one attempt at a request of HTTP."""
        if self.signer:
            return {"Authorization": authorization(self.signer, self.secret, request, time.time())}
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def metadata(self, call: Signable) -> tuple[tuple[str, str], ...]:
        """Return the metadata for one attempt at a call of gRPC."""
        return tuple((name.lower(), value) for name, value in self.headers(call).items())

    def context(self) -> ssl.SSLContext:
        """Return the context of TLS."""
        return ssl.create_default_context(cafile=self.authority)
