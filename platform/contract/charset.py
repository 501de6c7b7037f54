"""Text to class indices and back. Class 0 is the CTC blank; symbol number s (0..K-2) is class s + 1."""

import difflib
import functools
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from contract.errors import CharsetError, SymbolError

BLANK = 0

# Order is part of the format: it fixes the class indices. The seven documented sets of captcha_trainer.
BUILT_IN: Mapping[str, str] = {
    "NUMERIC": string.digits,
    "ALPHANUMERIC": string.digits + string.ascii_lowercase + string.ascii_uppercase,
    "ALPHANUMERIC_LOWER": string.digits + string.ascii_lowercase,
    "ALPHANUMERIC_UPPER": string.digits + string.ascii_uppercase,
    "ALPHABET_LOWER": string.ascii_lowercase,
    "ALPHABET_UPPER": string.ascii_uppercase,
    "ALPHABET": string.ascii_lowercase + string.ascii_uppercase,
}

Case = Literal["keep", "lower", "upper"]


@dataclass(frozen=True)
class Charset:
    """The symbols that a model can read.

    Attributes:
        symbols: one string per class from 1 on; usually one character each.
        replace: label text to put in place of other label text, before folding.
        case: how labels are folded.
    """

    symbols: tuple[str, ...]
    replace: Mapping[str, str] = field(default_factory=dict)
    case: Case = "keep"

    @property
    def classes(self) -> int:
        """K: the number of classes, the blank included."""
        return len(self.symbols) + 1

    @functools.cached_property
    def _class_of(self) -> Mapping[str, int]:
        return {symbol: index for index, symbol in enumerate(self.symbols, start=1)}

    def fold(self, text: str) -> str:
        """Return the label as the model is to read it: replacements first, then upper or lower case."""
        for old, new in self.replace.items():
            text = text.replace(old, new)
        return {"keep": text, "lower": text.lower(), "upper": text.upper()}[self.case]

    def encode(self, text: str) -> tuple[int, ...]:
        """Return the class of each symbol of a label, folded first.

        Raises:
            SymbolError: a symbol is not in the set.
        """
        folded = self.fold(text)
        missing = dict.fromkeys(symbol for symbol in folded if symbol not in self._class_of)
        if missing:
            raise SymbolError(text, list(missing))
        return tuple(self._class_of[symbol] for symbol in folded)

    def decode(self, classes: Sequence[int]) -> str:
        """Return the text of a sequence of classes; blanks are left out."""
        return "".join(self.symbols[index - 1] for index in classes if index != BLANK)


def build(
    charset: str | Sequence[str],
    exclude: Sequence[str] = (),
    replace: Mapping[str, str] | None = None,
    *,
    case_sensitive: bool = True,
) -> Charset:
    """Build a character set as a config describes it (`CharSet`, `CharExclude`, `CharReplace`, `CaseSensitive`).

    Args:
        charset: the name of a built-in set, or the symbols themselves as a string or a list.
        exclude: symbols to leave out.
        replace: text to put in place of other text in labels.
        case_sensitive: False folds labels to lower case. A set whose name says LOWER or UPPER folds to that case
            anyway, as in captcha_trainer.

    Raises:
        CharsetError: an unknown name, a repeated or empty symbol, or nothing left.
    """
    symbols = [symbol for symbol in _symbols(charset) if symbol not in exclude]
    repeated = [symbol for index, symbol in enumerate(symbols) if symbol in symbols[:index]]
    if repeated:
        raise CharsetError(f"symbols stand twice: {' '.join(dict.fromkeys(repeated))}")
    if not symbols:
        raise CharsetError("no symbol is left: give a CharSet, or fewer in CharExclude")
    if replace and "" in replace:
        raise CharsetError("CharReplace: the text to be replaced is empty")
    return Charset(tuple(symbols), dict(replace or {}), _case(charset, case_sensitive=case_sensitive))


def _symbols(charset: str | Sequence[str]) -> Sequence[str]:
    if isinstance(charset, str):
        if charset in BUILT_IN:
            return BUILT_IN[charset]
        near = difflib.get_close_matches(charset.upper(), BUILT_IN, n=1, cutoff=0.8)
        if near or "_" in charset[1:-1]:
            names = f"did you mean {near[0]}?" if near else f"the built-in ones are {', '.join(BUILT_IN)}"
            raise CharsetError(f"{charset!r} is no built-in set: {names} (list the symbols to use exactly these)")
        return charset
    wrong = [symbol for symbol in charset if len(symbol) != 1]
    if wrong:
        raise CharsetError(f"a symbol is one character: {', '.join(map(repr, wrong))}")
    return charset


def _case(charset: str | Sequence[str], *, case_sensitive: bool) -> Case:
    name = charset if isinstance(charset, str) and charset in BUILT_IN else ""
    if "UPPER" in name:
        return "upper"
    if "LOWER" in name or not case_sensitive:
        return "lower"
    return "keep"
