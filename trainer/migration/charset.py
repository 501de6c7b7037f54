"""The character sets of both generations."""

from contract.charset import BUILT_IN
from contract.errors import CharsetError, ConfigError
from contract.legacy_charset import Generation, reader_in, symbols_of
from trainer.dataset.alphabet import reads_back
from trainer.migration.draft import Draft, Keys


def carry_charset(keys: Keys, path: tuple[str, str], generation: Generation, draft: Draft) -> None:
    """Take a `CharSet` or `Category` and set `Model.CharSet`, under its name if it has that name here.

    Raises:
        ConfigError: an unknown name, or a file of symbols that is missing or holds others.
    """
    given, key = keys.take_text(*path), ".".join(path)
    if not isinstance(given, str) and not (isinstance(given, list) and all(isinstance(item, str) for item in given)):
        draft.put("Model", "CharSet", given)  # the config's own check says what is wrong
        return
    try:
        symbols = symbols_of(given, generation, reader_in(keys.path.parent))
    except CharsetError as error:
        raise ConfigError(str(keys.path), [f"{key}: {error}"]) from error
    distinct = tuple(dict.fromkeys(symbols))
    text = "".join(distinct)
    if isinstance(given, str) and BUILT_IN.get(given) == text:
        draft.put("Model", "CharSet", given)
    else:
        draft.put("Model", "CharSet", text if reads_back(text, distinct) else list(distinct))
        if isinstance(given, str):
            draft.change("Model.CharSet", f"holds the {len(distinct):,} symbols of {given} themselves")
            if "LOWER" in given:
                draft.put("Model", "CaseSensitive", value=False)
    if len(distinct) < len(symbols):
        twice = " ".join(dict.fromkeys(symbol for symbol in symbols if symbols.count(symbol) > 1))
        draft.change("Model.CharSet", f"symbols that stood twice stand once: {twice}")
