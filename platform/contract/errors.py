"""Errors of the contract. Each message is one sentence for a person: what is wrong, where, and what to do.

ContractError
├── ConfigError      a YAML file that cannot be used; lists every problem at once
├── CharsetError     a character set that cannot be built
├── SymbolError      a text with symbols that the character set lacks
└── PictureError     picture bytes that cannot be read
    ├── NotAPictureError       no format that we read
    ├── DamagedPictureError    a known format, but broken or cut off
    └── PictureTooLargeError   over the limit of bytes or pixels
"""

from collections.abc import Sequence


class ContractError(Exception):
    """Base of every error that a user can cause and mend."""


class ConfigError(ContractError):
    """A YAML file that cannot be used.

    Attributes:
        source: the file, as the user named it.
        problems: one sentence each, starting with the key's path.
    """

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.source = source
        self.problems = tuple(problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n  - ".join([f"{source}: {count}", *problems]))


class CharsetError(ContractError):
    """A character set that cannot be built."""


class SymbolError(ContractError):
    """A text with symbols that the character set lacks.

    Attributes:
        symbols: the symbols that are not in the set, in order of appearance, each once.
    """

    def __init__(self, text: str, symbols: Sequence[str]) -> None:
        self.symbols = tuple(symbols)
        super().__init__(f"{text!r} has symbols outside the character set: {' '.join(map(repr, symbols))}")


class PictureError(ContractError):
    """Picture bytes that cannot be read."""


class NotAPictureError(PictureError):
    """Bytes in no format that we read."""


class DamagedPictureError(PictureError):
    """Bytes of a known format that are broken or cut off."""


class PictureTooLargeError(PictureError):
    """A picture over the limit of bytes or pixels; found before its pixels are decoded."""
