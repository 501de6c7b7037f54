"""The certificate that both transports encrypt with."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from contract.errors import ConfigError


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key.

    Attributes:
        chain: PEM of the certificate and of those above it.
        key: PEM of its private key.
        context: of TLS 1.2 or later with this certificate.
    """

    chain: bytes
    key: bytes
    context: ssl.SSLContext

    @classmethod
    def read(cls, chain: Path, key: Path) -> Self:
        """Read both files.

        Raises:
            ConfigError: one cannot be read, or they do not belong together.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(chain, key, password=_no_password)
            return cls(chain.read_bytes(), key.read_bytes(), context)
        except OSError as error:  # ssl.SSLError is one
            problem = f"{chain} and {key} are no certificate with its private key in PEM: {error.strerror or error}"
            raise ConfigError("Tls", [problem]) from error


def _no_password() -> str:
    return ""  # else OpenSSL would ask at the terminal
