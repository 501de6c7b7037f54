"""API keys: a YAML that holds their SHA-256, who they are and what they may do. Read again when it changes.

Keys:
  - Name: shop
    SHA256: 6f0c...            # of the key; the key itself is nowhere but with its owner
    Scopes: [infer]
    Quota: {PerSecond: 20, Burst: 40}
  - Name: warehouse
    Secret: aW4gdGhl...        # for signed requests; both sides must know it, so protect this file
Legacy: {AccessKey: abc, SecretKey: def}     # captcha_platform's own signature, if it is switched on
"""

import hashlib
import hmac
import logging
import os
import secrets
import threading
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from contract.errors import ConfigError
from contract.measured import Digest
from contract.spec import Name
from contract.strict import StrictModel, parse_yaml, read_bytes, validate
from serving.security.quota import QuotaRule

KEY_PREFIX = "cfk_"  # so that a key that leaked into a log or a repository is recognised
_KEY_BYTES = 32
_OTHERS = 0o077  # rights of the group and of everybody

_log = logging.getLogger(__name__)


class Scope(StrEnum):
    """What a key may be good for."""

    INFER = "infer"  # read pictures, see models
    ADMIN = "admin"  # load, unload, pin, roll back
    METRICS = "metrics"


class KeyEntry(StrictModel):
    """One key.

    Attributes:
        Name: of its owner; in signed requests the key id.
        SHA256: of a key that is sent as it is, in hexadecimal.
        Secret: of a key that only signs.
        Scopes: what it may do.
        Quota: how often, instead of `Security.KeyQuota`.
    """

    Name: Name
    SHA256: Digest | None = None
    Secret: Annotated[str, Field(min_length=16)] | None = None
    Scopes: Annotated[list[Annotated[Scope, Field(strict=False)]], Field(min_length=1)] = [Scope.INFER]
    Quota: QuotaRule | None = None

    @model_validator(mode="after")
    def _is_good_for_something(self) -> Self:
        if self.SHA256 is None and self.Secret is None:
            raise ValueError(f"the key {self.Name} needs SHA256 or Secret; `python -m serving key` makes both kinds")
        return self


class LegacyKey(StrictModel):
    """The one pair of captcha_platform."""

    AccessKey: Annotated[str, Field(min_length=1)]
    SecretKey: Annotated[str, Field(min_length=1)]


class KeyFile(StrictModel):
    """The file."""

    Keys: list[KeyEntry] = []
    Legacy: LegacyKey | None = None

    @model_validator(mode="after")
    def _names_are_told_apart(self) -> Self:
        names = [key.Name for key in self.Keys]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"keys need names of their own; used twice: {', '.join(twice)}")
        return self


def new_key() -> str:
    """Return a new key of 256 random bits."""
    return KEY_PREFIX + secrets.token_urlsafe(_KEY_BYTES)


def digest_of(key: str) -> str:
    """Return what the file holds of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def find(entries: Sequence[KeyEntry], key: str) -> KeyEntry | None:
    """Return the entry of a key that was sent, None if there is none. Compares with all, each in constant time."""
    digest = digest_of(key)
    found = None
    for entry in entries:
        if entry.SHA256 is not None and hmac.compare_digest(entry.SHA256, digest):
            found = entry
    return found


def read(path: Path) -> KeyFile:
    """Read a key file.

    Raises:
        ConfigError: every problem found.
    """
    return validate(KeyFile, parse_yaml(read_bytes(path), str(path)) or {}, str(path))


class Keys:
    """The keys of a file, as they are now. A file that has become unreadable changes nothing but the log.

    Args:
        path: of the file.

    Raises:
        ConfigError: it cannot be used; at the start only.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen = _fingerprint(path)
        self.file = read(path)
        self._warn()

    def refresh(self) -> KeyFile:
        """Look whether the file has changed, and return what is in it."""
        with self._lock:
            seen = _fingerprint(self._path)
            if seen != self._seen:
                self._seen = seen
                self._read_again()
            return self.file

    def _read_again(self) -> None:
        try:
            self.file = read(self._path)
        except ConfigError as error:
            _log.error("the keys stay as they were: %s", error)
        else:
            _log.info("%s was read again: %d keys", self._path, len(self.file.Keys))
            self._warn()

    def _warn(self) -> None:
        secret = any(key.Secret for key in self.file.Keys) or self.file.Legacy
        if secret and os.name == "posix" and self._path.stat().st_mode & _OTHERS:
            _log.warning("%s holds secrets and others may read it: chmod 600", self._path)


def _fingerprint(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
