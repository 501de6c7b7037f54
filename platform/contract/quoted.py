"""YAML that every reader takes for what it is: text that looks like something else is quoted."""

import re
from collections.abc import Mapping
from typing import Any

import yaml


def dump(tree: Mapping[str, Any]) -> bytes:
    """Return the YAML of a tree: keys in their order, short lists on one line, texts quoted where YAML misreads them.

    Args:
        tree: of mappings, lists, texts, bytes, numbers, truth values and None.
    """
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120).encode()


class _Dumper(yaml.SafeDumper):
    pass


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # A version 1.10 or a label 0042 must come back as text in every YAML reader, so all such text is quoted.
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9 ._-]*", text) and text.lower() not in {"yes", "no", "on", "off", "y", "n"}
    quotes = "'" if text.isprintable() else '"'  # only double quotes can hold line breaks of every kind
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else quotes)


def _represent_list(dumper: yaml.SafeDumper, items: list[Any]) -> yaml.SequenceNode:
    short = all(isinstance(item, (int, float, str)) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=short)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(list, _represent_list)
