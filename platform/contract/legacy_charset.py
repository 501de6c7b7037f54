"""The character sets of captcha_trainer by name, those included whose symbols stand in a file beside the YAML."""

import difflib
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from contract.charset import BUILT_IN
from contract.errors import CharsetError
from contract.files import sha256

Generation = Literal[1, 2]
ReadFile = Callable[[str], bytes]

MAX_SYMBOLS = 100_000

_QUESTION = BUILT_IN["ARITHMETIC"] + "?"
_OF_GENERATION: Mapping[Generation, Mapping[str, str]] = {
    1: BUILT_IN,
    2: {
        **BUILT_IN,
        "ARITHMETIC": _QUESTION,
        "ARITHMETIC_MIX_ALPHA_LOWER": _QUESTION + string.ascii_lowercase,
    },
}


@dataclass(frozen=True)
class _FileSet:
    """A set that is not built in.

    Attributes:
        file: name of the file with one symbol a line.
        count: how many it holds.
        sha256: of these symbols joined by line feeds, in UTF-8; empty where it is not known.
        before: symbols in front of them.
        behind: symbols behind them.
    """

    file: str
    count: int
    sha256: str = ""
    before: str = ""
    behind: str = ""


_CHINESE = ("CHINESE_3500.txt", 3500, "54f0383945c3fa50c7b24f550b51eebbbe8f8f953e583f438bc486e10aec95ca")
_LATIN = string.digits + string.ascii_lowercase
_ADDED_LATER = "珏蕙旻涅攸嘛醪缪噗瞨靳帷徨"

_IN_FILES: Mapping[str, _FileSet] = {
    "CHINESE_3500": _FileSet(*_CHINESE),
    "ALPHANUMERIC_LOWER_MIX_CHINESE_3500": _FileSet(*_CHINESE, before=_LATIN),
    "CHS_3500": _FileSet(*_CHINESE, behind=_ADDED_LATER),
    "ALPHANUMERIC_CHS_3500_LOWER": _FileSet(*_CHINESE, before=_LATIN, behind=_ADDED_LATER),
    "ALPHANUMERIC_MIX_CHS_3500_LOWER": _FileSet(*_CHINESE, before=_LATIN, behind=_ADDED_LATER),
    "DOCUMENT_OCR": _FileSet("DOCUMENT_OCR.txt", 5980),
}


def symbols_of(charset: str | Sequence[str], generation: Generation, read_file: ReadFile) -> tuple[str, ...]:
    """Return the symbols of a legacy `CharSet` or `Category`, in the order of the graph's classes.

    A symbol may stand twice, and a class of the later generation may be a word.

    Args:
        charset: a name, the name of a .txt file with one symbol a line, or the symbols as a list.
        generation: of captcha_trainer; both have an ARITHMETIC, with different symbols.
        read_file: returns the bytes of a file beside the YAML; raises OSError.

    Raises:
        CharsetError: an unknown name, a file that is missing or holds other symbols, or no symbol at all.
    """
    if not isinstance(charset, str):
        symbols = tuple(charset)
    elif charset in _OF_GENERATION[generation]:
        symbols = tuple(_OF_GENERATION[generation][charset])
    elif charset in _IN_FILES:
        symbols = _from_known_file(charset, _IN_FILES[charset], read_file)
    elif charset.endswith(".txt"):
        symbols = _lines(charset, read_file)
    else:
        raise CharsetError(_unknown(charset, generation))
    if not symbols or "" in symbols:
        raise CharsetError("an empty symbol, or none at all")
    return symbols


def _from_known_file(name: str, wanted: _FileSet, read_file: ReadFile) -> tuple[str, ...]:
    try:
        symbols = _lines(wanted.file, read_file)
    except CharsetError as error:
        raise CharsetError(
            f"the set {name} is not built in: put its {wanted.count:,} symbols into {wanted.file} beside this file, "
            f"one a line, in the order of the training ({error})"
        ) from error
    digest = sha256("\n".join(symbols).encode())
    if len(symbols) != wanted.count or digest != (wanted.sha256 or digest):
        raise CharsetError(
            f"{wanted.file} holds {len(symbols):,} symbols with the SHA-256 {digest[:12]}...; in captcha_trainer "
            f"{name} has {wanted.count:,}" + (f" with {wanted.sha256[:12]}..." if wanted.sha256 else "")
        )
    return (*wanted.before, *symbols, *wanted.behind)


def _lines(file: str, read_file: ReadFile) -> tuple[str, ...]:
    if any(mark in file for mark in "/\\:"):
        raise CharsetError(f"{file}: give the name of a file beside this one, without a folder")
    try:
        lines = read_file(file).decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    except OSError as error:
        raise CharsetError(f"{file} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise CharsetError(f"{file} is not in UTF-8") from error
    symbols = tuple(line for line in lines if line)
    if len(symbols) > MAX_SYMBOLS:
        raise CharsetError(f"{file} has {len(symbols):,} lines; at most {MAX_SYMBOLS:,}")
    return symbols


def _unknown(charset: str, generation: Generation) -> str:
    names = [*_OF_GENERATION[generation], *_IN_FILES]
    near = difflib.get_close_matches(charset.upper(), names, n=1, cutoff=0.6)
    advice = f"did you mean {near[0]}?" if near else f"the names are {', '.join(names)}"
    return f"{charset!r} is no set of captcha_trainer: {advice} (or give a list, or a .txt file with one symbol a line)"
