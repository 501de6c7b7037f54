r"""Signed requests, so that a key never travels: CPS1-HMAC-SHA256.

    Authorization: CPS1-HMAC-SHA256 keyid=shop, ts=1700000000, nonce=6Jx0cVtYbQ, sig=<64 hex digits>

`sig` is HMAC-SHA256, with the key's secret, of these lines joined by \n:

    CPS1
    POST                            the method
    /captcha/v1                     the path
    a=1&b=%20                       the query, its pairs sorted; an empty line without one
    1700000000                      ts: seconds since 1970
    6Jx0cVtYbQ                      nonce: 8 to 64 letters, digits, - and _; a new one each time
    e3b0c442...                     SHA-256 of the body in hexadecimal, also of an empty one

In path and query all bytes of UTF-8 but letters, digits and -._~ (in the path also /) are written as %XX. `ts` may be
300 s behind the service's clock or 30 s ahead of it, and not before its start; a nonce is taken once. In gRPC the line
is the metadata `authorization`, the method is POST and the path /Predict/predict. SIGNING.md beside this file has the
same in Python, JavaScript, and curl with openssl, with vectors to check another client against.
"""

import hashlib
import hmac
import re
import secrets
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

from serving.errors import UnauthenticatedError
from serving.security.keys import KeyEntry

SCHEME = "CPS1-HMAC-SHA256"
WINDOW_SECONDS = 300
AHEAD_SECONDS = 30  # for a clock that is ahead; after a restart nothing tells its requests from replayed ones
NONCES_PER_KEY = 200_000  # within twice the window: more than 300 requests a second, all the time

_FIELDS = re.compile(
    rf"{SCHEME} +keyid=(?P<keyid>[A-Za-z0-9._-]{{1,100}}), *ts=(?P<ts>[0-9]{{1,12}}), *"
    r"nonce=(?P<nonce>[A-Za-z0-9_-]{8,64}), *sig=(?P<sig>[0-9a-f]{64})"
)
_UNKNOWN = "the key id or the signature is wrong"  # in one sentence, so that it does not tell which ids there are


@dataclass(frozen=True)
class Signable:
    """What a signature covers, beside time and nonce.

    Attributes:
        path: decoded, without the query.
        query: as it was sent, without the question mark.
    """

    method: str
    path: str
    query: str
    body: bytes


def signed_as(method: str, content: bytes) -> Signable:
    """Return what a signature covers of a call of gRPC: its method, and the bytes of its one request.

    Args:
        method: of the service Predict.
        content: the request on the wire; empty for a stream, of which only the beginning is signed.
    """
    return Signable("POST", f"/Predict/{method}", "", content)


def canonical(request: Signable, timestamp: int, nonce: str) -> str:
    """Return the text that is signed."""
    pairs = sorted((_quoted(name), _quoted(value)) for name, value in parse_qsl(request.query, keep_blank_values=True))
    return "\n".join(
        [
            "CPS1",
            request.method,
            quote(request.path, safe="/~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            str(timestamp),
            nonce,
            hashlib.sha256(request.body).hexdigest(),
        ]
    )


def signature(secret: str, request: Signable, timestamp: int, nonce: str) -> str:
    """Return the signature in hexadecimal."""
    text = canonical(request, timestamp, nonce)
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def authorization(key_id: str, secret: str, request: Signable, now: float) -> str:
    """Return the header Authorization for a request; now is in seconds since 1970."""
    nonce = secrets.token_urlsafe(12)
    signed = signature(secret, request, int(now), nonce)
    return f"{SCHEME} keyid={key_id}, ts={int(now)}, nonce={nonce}, sig={signed}"


class Verifier:
    """Checks signatures and remembers nonces. Safe from many threads.

    Args:
        clock: in seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._started = int(clock())
        self._lock = threading.Lock()
        self._nonces: defaultdict[str, OrderedDict[str, float]] = defaultdict(OrderedDict)
        self._nobody = secrets.token_hex()  # checked against when there is no such key, for the time that it takes

    def verify(self, header: str, request: Signable, entries: Sequence[KeyEntry]) -> KeyEntry:
        """Return the key that signed a request.

        Raises:
            UnauthenticatedError: malformed, too old or new, not signed by a known key, or a replay.
        """
        fields = _FIELDS.fullmatch(header)
        if not fields:
            raise UnauthenticatedError(f"write Authorization as: {SCHEME} keyid=..., ts=..., nonce=..., sig=...")
        timestamp = int(fields["ts"])
        self._check_time(timestamp)
        entry = next((entry for entry in entries if entry.Secret and entry.Name == fields["keyid"]), None)
        secret = (entry.Secret if entry else None) or self._nobody
        right = hmac.compare_digest(signature(secret, request, timestamp, fields["nonce"]), fields["sig"])
        if not entry or not right:
            raise UnauthenticatedError(_UNKNOWN)
        self._use(entry.Name, fields["nonce"])
        return entry

    def _check_time(self, timestamp: int) -> None:
        now = self._clock()
        self._started = min(self._started, int(now))  # the clock may have been ahead then, and set right since
        if not -AHEAD_SECONDS <= now - timestamp <= WINDOW_SECONDS:
            raise UnauthenticatedError(
                f"ts is {timestamp}, here it is {int(now)}: set the clock, and sign each request anew"
            )
        if timestamp < self._started:
            raise UnauthenticatedError(
                "ts is before the start of the service, which knows no nonce from then: sign anew"
            )

    def _use(self, key: str, nonce: str) -> None:
        now = self._clock()
        with self._lock:
            used = self._nonces[key]
            while used and next(iter(used.values())) <= now:
                used.popitem(last=False)
            if nonce in used:
                raise UnauthenticatedError("this request has been made before: sign each one with a new nonce")
            if len(used) >= NONCES_PER_KEY:
                raise UnauthenticatedError(
                    "too many signed requests of this key to remember: try again in some minutes"
                )
            used[nonce] = now + 2 * WINDOW_SECONDS


def _quoted(text: str) -> str:
    return quote(text, safe="~")
