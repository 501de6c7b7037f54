"""captcha_platform's signature: an MD5 over the parameters and a secret. Weak; only for its old clients.

It covers no nonce, so whoever sees a request can repeat it for four minutes. `signing` is what to use instead.
"""

import hashlib
import hmac
from collections.abc import Mapping

from serving.errors import LegacySignatureError
from serving.security.keys import LegacyKey

WINDOW_SECONDS = 120
_TIMESTAMP_DIGITS = 10

INVALID_PARAMS = (400001, "Invalid Public Params")
INVALID_TIMESTAMP = (400004, "Invalid Timestamp")
INVALID_KEY = (400005, "Invalid Access Key")
INVALID_QUERY = (400006, "Invalid Query String")


def sign(parameters: Mapping[str, object], secret_key: str) -> str:
    """Return the signature of parameters; a value is written as Python writes it, so None is `None`."""
    pairs = (f"{key}={parameters[key]}" for key in sorted(parameters) if key != "sign")
    text = "&".join([*pairs, secret_key])
    digest = hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False)
    return digest.hexdigest().upper()


def verify(parameters: Mapping[str, object], key: LegacyKey, now: float) -> None:
    """Check a signed request.

    Args:
        parameters: all top-level ones, `sign`, `timestamp` and `accessKey` among them.
        key: the one pair.
        now: in seconds since 1970.

    Raises:
        LegacySignatureError: with the code that captcha_platform has for what is wrong.
    """
    given = [parameters.get(name) for name in ("sign", "timestamp", "accessKey")]
    if not all(given):
        raise LegacySignatureError(*INVALID_PARAMS)
    signature, timestamp, access_key = map(str, given)
    if len(timestamp) != _TIMESTAMP_DIGITS or not timestamp.isascii() or not timestamp.isdigit():
        raise LegacySignatureError(*INVALID_TIMESTAMP)
    if abs(now - int(timestamp)) > WINDOW_SECONDS:
        raise LegacySignatureError(*INVALID_TIMESTAMP)
    if not _same(access_key, key.AccessKey):
        raise LegacySignatureError(*INVALID_KEY)
    if not _same(signature, sign(parameters, key.SecretKey)):
        raise LegacySignatureError(*INVALID_QUERY)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
