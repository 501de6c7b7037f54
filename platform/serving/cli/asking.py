"""What `ask` and `load` share: where the service is, the key, and the pictures to send."""

import argparse
import codecs
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from contract.composed import composed
from contract.errors import ConfigError
from serving.client.credentials import Credentials

DEFAULT_URL = "http://127.0.0.1:19951"
DEFAULT_LABEL = r".*?(?=_)"
_PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that both commands have."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE", help="pictures, or folders of them")
    parser.add_argument("--url", metavar="URL", help=f"ask over HTTP (default {DEFAULT_URL})")
    text = "ask over gRPC, for example 127.0.0.1:50054; with TLS as grpcs://127.0.0.1:50054"
    parser.add_argument("--grpc", metavar="HOST:PORT", help=text)
    text = "PEM of who signed the service's certificate, where the system does not know it"
    parser.add_argument("--authority", type=Path, metavar="FILE", help=text)
    parser.add_argument("--key-file", type=Path, metavar="FILE", help="text file with the key (or set FOUNDRY_KEY)")
    text = "sign with the key that was made for NAME with --signing, instead of sending it"
    parser.add_argument("--signer", metavar="NAME", help=text)
    text = f"judge the answers: the part of a name that {DEFAULT_LABEL} finds is the label"
    parser.add_argument("--labels", action="store_const", const=DEFAULT_LABEL, help=text)
    parser.add_argument("--label-regex", dest="labels", metavar="REGEX", help="likewise, with another expression")
    text = "an answer that differs from its label in capitals only is right, as for a model that does not tell them"
    parser.add_argument("--ignore-case", action="store_true", help=text)


def credentials_of(arguments: argparse.Namespace) -> Credentials:
    """Return the key that --key-file or the variable FOUNDRY_KEY has.

    A key on the command line would be in the list of processes, so there is no flag for it.

    Raises:
        ConfigError: the file cannot be read, there is nothing to sign with, or it cannot be sent.
    """
    path: Path | None = arguments.key_file
    authority: Path | None = arguments.authority
    if authority:
        _check_authority(authority)
    key = _first_word(os.environ.get("FOUNDRY_KEY", "") if path is None else _text_in(path))
    if arguments.signer and not key:
        raise ConfigError("--signer", ["there is nothing to sign with: name the key's file with --key-file"])
    try:
        if arguments.signer:
            return Credentials(signer=arguments.signer, secret=key, authority=authority)
        return Credentials(key=key, authority=authority)
    except ValueError as error:
        raise ConfigError("--signer" if arguments.signer else str(path or "FOUNDRY_KEY"), [str(error)]) from error


def grpc_address(text: str) -> tuple[str, bool]:
    """Return the address in --grpc, and whether to use TLS; `grpc://` and `grpcs://` as the service prints them."""
    scheme, _, address = text.rpartition("://")
    return address, scheme == "grpcs"


def check_url(url: str) -> None:
    """Refuse what is no URL of a service.

    Raises:
        ConfigError: it is none.
    """
    if not re.match(r"https?://[^/]", url) or not _has_host(url):
        raise ConfigError("--url", [f"{url!r} is no URL of a service: write it as {DEFAULT_URL}"])


def pictures_in(paths: Sequence[Path]) -> list[Path]:
    """Return the files, and the pictures of the folders in the order of their names.

    Raises:
        ConfigError: a path that is not there, or no picture at all.
    """
    missing = [f"{path}: there is no such file or folder" for path in paths if not path.exists()]
    if missing:
        raise ConfigError("pictures", missing)
    found = [file for path in paths for file in _files(path)]
    if not found:
        raise ConfigError("pictures", [f"there is none in {', '.join(map(str, paths))}"])
    return found


def label_of(path: Path, regex: str | None) -> str | None:
    """Return the label in a file's name; None without a regex, or if it does not match.

    Raises:
        ConfigError: no regular expression.
    """
    if regex is None:
        return None
    try:
        found = re.search(regex, composed(path.name))
    except re.error as error:
        raise ConfigError("--labels", [f"{regex!r} is no regular expression: {error}"]) from error
    return found[0] if found and found[0] else None


def fold_of(arguments: argparse.Namespace) -> Callable[[str], str]:
    """Return what answers and labels are made alike by before they are compared."""
    return str.casefold if arguments.ignore_case else str


def _check_authority(path: Path) -> None:
    try:
        _ = Credentials(authority=path).context
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError("--authority", [f"{path}: no certificate can be read from it: {error}"]) from error


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is no number, or a bracket stands alone
        return False


def _text_in(path: Path) -> str:
    try:
        content = path.read_bytes()
        # PowerShell's `>` writes UTF-16 and its Set-Content may begin UTF-8 with a mark too.
        is_wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return content.decode("utf-16" if is_wide else "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), [f"no key can be read from it: {error}"]) from error


def _first_word(text: str) -> str:
    return next(iter(text.split()), "")


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(file for file in path.iterdir() if file.suffix.lower() in _PICTURES)
    else:
        yield path
