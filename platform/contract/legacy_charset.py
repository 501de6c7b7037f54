"""The character sets of captcha_trainer by name, those included whose symbols stand in a file beside the YAML."""

import difflib
import errno
import stat
import string
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from contract import chinese
from contract.charset import BUILT_IN
from contract.errors import CharsetError

Generation = Literal[1, 2]
ReadFile = Callable[[str], bytes]

MAX_SYMBOLS = 100_000
MAX_FILE_BYTES = 1024 * 1024  # of a file with symbols

_QUESTION = BUILT_IN["ARITHMETIC"] + "?"
_LATIN = string.digits + string.ascii_lowercase
# The Chinese sets have names of their own in each generation, so each reads the other's too.
_OF_BOTH: Mapping[str, str] = {
    **BUILT_IN,
    "CHINESE_3500": chinese.EARLY,
    "ALPHANUMERIC_LOWER_MIX_CHINESE_3500": _LATIN + chinese.EARLY,
    "CHS_3500": chinese.LATER,
    "ALPHANUMERIC_CHS_3500_LOWER": _LATIN + chinese.LATER,
    "ALPHANUMERIC_MIX_CHS_3500_LOWER": _LATIN + chinese.LATER,  # what captcha_platform calls it
}
_OF_GENERATION: Mapping[Generation, Mapping[str, str]] = {
    1: _OF_BOTH,
    2: {
        **_OF_BOTH,
        "ARITHMETIC": _QUESTION,
        "ARITHMETIC_MIX_ALPHA_LOWER": _QUESTION + string.ascii_lowercase,
    },
}

# Sets that are not built in: the name of their file, and how many symbols it holds.
_IN_FILES: Mapping[str, tuple[str, int]] = {"DOCUMENT_OCR": ("DOCUMENT_OCR.txt", 5980)}


def reader_in(folder: Path) -> ReadFile:
    """Return what reads small regular files of a folder, and raises OSError for anything else: a pipe would hang."""

    def read(name: str) -> bytes:
        path = folder / name
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        if status.st_size > MAX_FILE_BYTES:
            raise OSError(errno.EFBIG, f"{status.st_size:,} bytes are too many ({MAX_FILE_BYTES:,})", str(path))
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES)

    return read


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
        symbols = _from_known_file(charset, *_IN_FILES[charset], read_file)
    elif charset.endswith(".txt"):
        symbols = _lines(charset, read_file)
    else:
        raise CharsetError(_unknown(charset, generation))
    if not symbols or "" in symbols:
        raise CharsetError("an empty symbol, or none at all")
    return symbols


def _from_known_file(name: str, file: str, count: int, read_file: ReadFile) -> tuple[str, ...]:
    try:
        symbols = _lines(file, read_file)
    except CharsetError as error:
        raise CharsetError(
            f"the set {name} is not built in: put its {count:,} symbols into {file} beside this file, "
            f"one a line, in the order of the training ({error})"
        ) from error
    if len(symbols) != count:
        raise CharsetError(f"{file} holds {len(symbols):,} symbols; in captcha_trainer {name} has {count:,}")
    return symbols


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
