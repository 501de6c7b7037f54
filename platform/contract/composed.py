"""One spelling for a text: file names made on a Mac have letters and their marks apart, others one symbol for both."""

import unicodedata

_JAMO = range(0x1100, 0x1200)  # parts of Korean syllables


def composed(text: str) -> str:
    """Return a text with each letter and its marks as one symbol where there is one (Unicode's form NFC).

    A text without such parts stays as it is: of other symbols, some of China's, NFC would make different ones.
    """
    if text.isascii():
        return text
    apart = any(unicodedata.combining(symbol) or ord(symbol) in _JAMO for symbol in text)
    return unicodedata.normalize("NFC", text) if apart else text
