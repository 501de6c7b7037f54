"""Which `CharSet` fits the symbols that labels hold."""

from collections.abc import Collection

from contract import charset as charsets
from contract.errors import CharsetError

TIGHT = 0.8  # share of a built-in set that must be in use for it to fit: below, a set of one's own reads better


def fitting_charset(symbols: Collection[str]) -> str | list[str]:
    """Return the value for `CharSet` that holds these symbols and not many more.

    A built-in set if at least four fifths of it are in use, so that a small set of pictures that lacks a few symbols
    still gets it; else the symbols themselves, as a string where the config reads that back unchanged.
    """
    wanted = frozenset(symbols)
    fitting = [(len(members), name) for name, members in charsets.BUILT_IN.items() if wanted <= frozenset(members)]
    size, name = min(fitting, default=(0, ""))
    if name and len(wanted) >= TIGHT * size:
        return name
    ordered = sorted(wanted)
    text = "".join(ordered)
    return text if reads_back(text, tuple(ordered)) else ordered


def reads_back(text: str, symbols: tuple[str, ...]) -> bool:
    """Return whether a config that has this text for its `CharSet` has these symbols."""
    try:
        return charsets.build(text).symbols == symbols
    except CharsetError:
        return False
