"""`python -m serving key`: make an API key."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from contract.errors import ConfigError
from contract.files import write_atomically
from contract.strict import read_yaml, validate
from serving.security.keys import KeyFile, Scope, digest_of, new_key

_EPILOG = """\
examples:
  python -m serving key shop --file keys.yaml
  python -m serving key boss --file keys.yaml --scope admin --scope infer --scope metrics
  python -m serving key shop2 --file keys.yaml --signing

The key is printed once, to standard output; the file holds only its SHA-256. A key for signing has to be known to both
sides, so the file holds it as it is. A service that runs with this file takes the new key at once.
"""


def run(words: Sequence[str]) -> int:
    """Add a key to a file and print it; raises ConfigError when the file cannot be used."""
    arguments = _parser().parse_args(words)
    path: Path = arguments.file
    tree = read_yaml(path) if path.exists() else None
    before = validate(KeyFile, {} if tree is None else tree, str(path))
    if arguments.name in {key.Name for key in before.Keys}:
        raise ConfigError(str(path), [f"there is a key {arguments.name} already: take it out, or choose another name"])
    key = new_key()
    own = {"Secret": key} if arguments.signing else {"SHA256": digest_of(key)}
    entry: dict[str, Any] = {"Name": arguments.name, **own, "Scopes": arguments.scope or [Scope.INFER.value]}
    after = before.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    after["Keys"] = [*after.get("Keys", []), entry]
    validate(KeyFile, after, str(path))
    os.umask(0o077)  # a secret is for its owner from the first moment on
    write_atomically(path, yaml.safe_dump(after, sort_keys=False).encode())
    sys.stdout.write(f"{key}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m serving key",
        description="Make an API key.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", help="of the key's owner")
    parser.add_argument(
        "--file", type=Path, required=True, metavar="FILE", help="YAML of keys; made if it is not there"
    )
    parser.add_argument(
        "--scope", action="append", choices=[scope.value for scope in Scope], help="what it may do (default infer)"
    )
    parser.add_argument("--signing", action="store_true", help="a key that signs requests and is never sent")
    return parser
