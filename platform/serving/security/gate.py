"""What both transports ask before any work is done: may this caller do this, from there, now?"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from serving.errors import ForbiddenError, QuotaExceededError, UnauthenticatedError
from serving.face_settings import SecuritySection
from serving.security import legacy_signature
from serving.security.addresses import Address, client_address, contains, group_of, parse_address
from serving.security.keys import KeyEntry, KeyFile, Keys, Scope, find
from serving.security.quota import QuotaRule, Quotas
from serving.security.signing import SCHEME, Signable, Verifier

_BEARER = "bearer "


class ReadsSignable(Protocol):
    """Gives what a signature covers; only asked for when there is one."""

    def __call__(self) -> Signable:
        """Return it."""


@dataclass(frozen=True)
class Caller:
    """Who asks, as the request says.

    Attributes:
        peer: address at the other end of the connection.
        forwarded: the header X-Forwarded-For.
        authorization: the header Authorization.
        api_key: the header X-API-Key.
    """

    peer: str
    forwarded: str = ""
    authorization: str = ""
    api_key: str = ""


@dataclass(frozen=True)
class Clocks:
    """Time, as the rules see it.

    Attributes:
        wall: seconds since 1970.
        steady: seconds of which only differences matter.
    """

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic


@dataclass
class Gate:
    """Lets callers in or not. Safe from many threads.

    Args:
        security: the rules.
        clocks: for signatures and quotas.

    Raises:
        ConfigError: the key file cannot be used.
    """

    security: SecuritySection = field(default_factory=SecuritySection)
    clocks: Clocks = field(default_factory=Clocks)

    def __post_init__(self) -> None:
        self._keys = Keys(self.security.Keys) if self.security.Keys else None
        self._verifier = Verifier(self.clocks.wall)
        self._quotas = Quotas(self.clocks.steady)
        self._allow = self.security.networks("Allow")
        self._deny = self.security.networks("Deny")
        self._proxies = self.security.networks("TrustedProxies")

    def trusts(self, peer: str) -> bool:
        """Whether an address is that of a trusted proxy."""
        return contains(self._proxies, parse_address(peer))

    def greet(self, caller: Caller) -> Address | None:
        """Return the address of a caller, if requests from there are taken; raises ForbiddenError."""
        address = client_address(caller.peer, caller.forwarded, self._proxies)
        if address is None and (self._allow or self._deny):
            raise ForbiddenError("requests are not taken here from where no address can be told")
        allowed = not self._allow or contains(self._allow, address)
        if not allowed or contains(self._deny, address):
            raise ForbiddenError(f"requests from {address} are not taken here")
        return address

    def admit(self, caller: Caller, scope: Scope | None, signable: ReadsSignable | None = None) -> str:
        """Return the name of the caller's key if a request may go on; empty without a key.

        Args:
            caller: who asks.
            scope: what for; None if anybody may who comes from an allowed address.
            signable: the request, for a transport on which it can be signed.

        Raises:
            ForbiddenError: the address is not allowed, or the key has not this scope.
            UnauthenticatedError: no key, or a wrong one.
            QuotaExceededError: too often.
        """
        return self._let_in(caller, scope, lambda file: self._authenticate(caller, file, signable))

    def admit_again(self, caller: Caller, scope: Scope, name: str) -> None:
        """Let in a further message of a call: it counts, and its key may have been taken away; raises as `admit`.

        Args:
            caller: who made the call.
            scope: what for.
            name: that `admit` returned for the call. What it was signed with is not looked at again.
        """
        self._let_in(caller, scope, lambda file: _still_known(file, name))

    def _let_in(self, caller: Caller, scope: Scope | None, identify: Callable[[KeyFile], KeyEntry]) -> str:
        address = self.greet(caller)
        if self.security.AddressQuota:
            self._count(("address", group_of(address)), self.security.AddressQuota)
        if scope is None or (self._keys is None and scope is not Scope.ADMIN):
            return ""
        if self._keys is None:
            raise ForbiddenError("this needs a key of scope admin, and the service has no keys: see Security.Keys")
        entry = identify(self._keys.refresh())
        if scope not in entry.Scopes:
            raise ForbiddenError(f"the key {entry.Name} is not for {scope}, only for {', '.join(entry.Scopes)}")
        if rule := entry.Quota or self.security.KeyQuota:
            self._count(("key", entry.Name), rule)
        return entry.Name

    def check_legacy(self, parameters: dict[str, object]) -> None:
        """Check a request that is signed as captcha_platform's are.

        Raises:
            LegacySignatureError: it is not, or no such key is configured.
        """
        key = self._keys.refresh().Legacy if self._keys else None
        if key is None or not self.security.LegacySignature:
            raise UnauthenticatedError(
                "this service takes no MD5 signatures: Security.LegacySignature is off, or its key file has no Legacy"
            )
        legacy_signature.verify(parameters, key, self.clocks.wall())

    def _authenticate(self, caller: Caller, file: KeyFile, signable: ReadsSignable | None) -> KeyEntry:
        header = caller.authorization
        if header.startswith(SCHEME):
            if signable is None:
                raise UnauthenticatedError("requests are not signed on this transport: send the key itself, over TLS")
            return self._verifier.verify(header, signable(), file.Keys)
        key = header[len(_BEARER) :].strip() if header.lower().startswith(_BEARER) else caller.api_key
        if not key:
            raise UnauthenticatedError("a key is needed: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`")
        entry = find(file.Keys, key)
        if entry is None:
            raise UnauthenticatedError("this key is not known here")
        return entry

    def _count(self, caller: tuple[str, str], rule: QuotaRule) -> None:
        seconds = self._quotas.wait(caller, rule)
        if seconds:
            raise QuotaExceededError(
                f"more than {rule.PerSecond:g} requests a second of this {caller[0]}: again in {seconds:.1f} s", seconds
            )


def _still_known(file: KeyFile, name: str) -> KeyEntry:
    for entry in file.Keys:
        if entry.Name == name:
            return entry
    raise UnauthenticatedError("this key is not known here any more")
