"""Text to class indices and back. Class 0 is the CTC blank; symbol number s (0..K-2) is class s + 1."""

import difflib
import functools
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from contract import chinese
from contract.errors import CharsetError, SymbolError

BLANK = 0

_ARITHMETIC = "()+-×÷="  # noqa: RUF001 - the multiplication sign is meant
_CHINESE = "".join(dict.fromkeys(chinese.EARLY))

# Order is part of the format: it fixes the class indices. The sets of captcha_trainer's early generation, of which it
# documented the first seven. The Chinese ones hold 3,499 symbols: here none stands twice.
BUILT_IN: Mapping[str, str] = {
    "NUMERIC": string.digits,
    "ALPHANUMERIC": string.digits + string.ascii_lowercase + string.ascii_uppercase,
    "ALPHANUMERIC_LOWER": string.digits + string.ascii_lowercase,
    "ALPHANUMERIC_UPPER": string.digits + string.ascii_uppercase,
    "ALPHABET_LOWER": string.ascii_lowercase,
    "ALPHABET_UPPER": string.ascii_uppercase,
    "ALPHABET": string.ascii_lowercase + string.ascii_uppercase,
    "ARITHMETIC": string.digits + _ARITHMETIC,
    "ALPHANUMERIC_LOWER_MIX_ARITHMETIC": string.digits + string.ascii_lowercase + _ARITHMETIC,
    "FLOAT": string.digits + ".",
    "CHINESE_3500": _CHINESE,
    "ALPHANUMERIC_LOWER_MIX_CHINESE_3500": string.digits + string.ascii_lowercase + _CHINESE,
}

Case = Literal["keep", "lower", "upper"]


@dataclass(frozen=True)
class Charset:
    """The symbols that a model can read.

    Attributes:
        symbols: one character per class from 1 on.
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
        """Return the class of each symbol of a label that has been folded: twice is not always the same as once.

        Raises:
            SymbolError: a symbol is not in the set.
        """
        missing = dict.fromkeys(symbol for symbol in text if symbol not in self._class_of)
        if missing:
            raise SymbolError(text, list(missing))
        return tuple(self._class_of[symbol] for symbol in text)

    def decode(self, classes: Sequence[int]) -> str:
        """Return the text of a sequence of classes; blanks are left out."""
        return "".join([self.symbols[index - 1] for index in classes if index != BLANK])


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
        CharsetError: an unknown name, a repeated or empty symbol, one that no folded label can have, or nothing left;
            the message starts with the key that is wrong.
    """
    _refuse_long("CharExclude", exclude)
    left_out = frozenset(exclude)
    symbols = [symbol for symbol in symbols_of(charset) if symbol not in left_out]
    if not symbols:
        raise CharsetError("CharExclude: no symbol is left")
    if replace and "" in replace:
        raise CharsetError("CharReplace: the text to be replaced is empty")
    result = Charset(tuple(symbols), dict(replace or {}), _case(charset, case_sensitive=case_sensitive))
    known = frozenset(symbols)
    folded_away = [symbol for symbol in symbols if result.case == "lower" and symbol.lower() not in known]
    if folded_away:
        raise CharsetError(
            f"CaseSensitive: false folds labels to lower case, so that {' '.join(folded_away)} could never be read: "
            f"give these symbols in lower case"
        )
    return result


def symbols_of(charset: str | Sequence[str]) -> Sequence[str]:
    """Return the symbols that `CharSet` names or lists, in order.

    Raises:
        CharsetError: an unknown name, a repeated or empty symbol, or none at all.
    """
    symbols = BUILT_IN.get(charset) or _custom(charset) if isinstance(charset, str) else charset
    _refuse_long("CharSet", symbols)
    repeated = [symbol for symbol, count in Counter(symbols).items() if count > 1]
    if repeated:
        raise CharsetError(f"CharSet: symbols stand twice: {' '.join(repeated)}")
    if not symbols:
        raise CharsetError(f"CharSet: is empty; give the symbols, or the name of a set: {', '.join(BUILT_IN)}")
    return symbols


def _custom(charset: str) -> str:
    near = difflib.get_close_matches(charset.upper(), BUILT_IN, n=1, cutoff=0.8)
    if near or "_" in charset[1:-1]:
        names = f"did you mean {near[0]}?" if near else f"the built-in ones are {', '.join(BUILT_IN)}"
        raise CharsetError(f"CharSet: {charset!r} is no built-in set: {names} (for just these symbols, give a list)")
    return charset


def _refuse_long(key: str, symbols: Sequence[str]) -> None:
    wrong = [symbol for symbol in symbols if len(symbol) != 1]
    if wrong:
        raise CharsetError(f"{key}: a symbol is one character: {', '.join(map(repr, wrong))}")


def _case(charset: str | Sequence[str], *, case_sensitive: bool) -> Case:
    name = charset if isinstance(charset, str) and charset in BUILT_IN else ""
    if "UPPER" in name:
        return "upper"
    if "LOWER" in name or not case_sensitive:
        return "lower"
    return "keep"
