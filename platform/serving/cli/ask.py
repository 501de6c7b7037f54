"""`python -m serving ask`: send pictures to a running service and print what it reads."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from serving.answer import Hints
from serving.cli.asking import (
    DEFAULT_URL,
    add_arguments,
    check_url,
    credentials_of,
    fold_of,
    grpc_address,
    label_of,
    pictures_in,
)
from serving.client import ClientError, GrpcClient, HttpClient, RefusedError, Result, UnreachableError
from serving.codes import DAMAGED, INVALID_BASE64, INVALID_FORMAT, UNKNOWN_MODEL, UNKNOWN_SIZE

_BATCH = 16  # pictures in a request
_BATCH_BYTES = 4 * 1024 * 1024
_BLAMING_STATUSES = {400, 404, 413}  # of HTTP, also of a proxy that gives no code
_BLAMING_CODES = {
    code.number for code in (INVALID_FORMAT, INVALID_BASE64, DAMAGED, UNKNOWN_SIZE, UNKNOWN_MODEL)
} | _BLAMING_STATUSES
_EPILOG = """\
examples:
  python -m serving ask captcha.png
  python -m serving ask pictures/ --grpc 127.0.0.1:50054 --model-name digits
  python -m serving ask pictures/ --labels

Prints a line for each picture: text, confidence, model and version, file. With --labels also the accuracy. Pictures
that were refused together, for no fault of theirs, share a line.
Ends with code 1 if a picture was not read.
"""


def run(words: Sequence[str]) -> int:
    """Ask; raises ConfigError for what is wrong with the arguments."""
    arguments = _parser().parse_args(words)
    files = pictures_in(arguments.paths)
    labels = {path: label_of(path, arguments.labels) for path in files}
    failed, judged, fold = 0, [], fold_of(arguments)
    for paths, result in _results(arguments, files):
        if isinstance(result, str) or result.code:
            failed += 1
            sys.stdout.write(f"-\t\t\t{_named(paths)}: {result if isinstance(result, str) else result.message}\n")
            continue
        (path,) = paths
        label = labels[path]
        right = label is None or fold(result.text) == fold(label)
        judged += [] if label is None else [right]
        mark = "" if right else f" (should be {label})"
        sys.stdout.write(f"{result.text}{mark}\t{result.confidence:.4f}\t{result.model} {result.version}\t{path}\n")
    if judged:
        sys.stdout.write(f"{sum(judged)} of {len(judged)} are right: {sum(judged) / len(judged):.2%}\n")
    return 1 if failed else 0


def _results(arguments: argparse.Namespace, files: Sequence[Path]) -> Iterator[tuple[Sequence[Path], Result | str]]:
    """Yield each picture with what was read, or several with the one reason why none of them was."""
    hints = Hints(arguments.model_site, arguments.model_type, arguments.model_name)
    client = _client(arguments)
    with client:
        for batch in _batches(files):
            contents = [path.read_bytes() for path in batch]
            try:
                for path, result in zip(batch, client.read_all(contents, hints), strict=True):
                    yield [path], result
            except RefusedError as error:
                if not _blames_pictures(error):
                    yield batch, str(error)
                    continue
                for path, content in zip(batch, contents, strict=True):
                    yield [path], _one(client, content, hints)
            except UnreachableError as error:
                broken = isinstance(error.__cause__, ConnectionResetError | BrokenPipeError | ConnectionAbortedError)
                if len(contents[0]) <= _BATCH_BYTES or not broken:
                    raise
                # The service does not read all of what is far too large, and the connection breaks.
                yield batch, f"{len(contents[0]):,} bytes are too many, or {error}"


def _batches(files: Sequence[Path]) -> Iterator[list[Path]]:
    """Yield the files in groups that a service takes at once; what is larger than that stands alone."""
    batch: list[Path] = []
    size = 0
    for path in files:
        more = path.stat().st_size
        if batch and (len(batch) == _BATCH or size + more > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += more
    yield batch


def _blames_pictures(error: RefusedError) -> bool:
    """Whether a picture or the request may be to blame, so that each picture alone tells more."""
    return error.status in _BLAMING_STATUSES or error.code in _BLAMING_CODES


def _named(paths: Sequence[Path]) -> str:
    return str(paths[0]) if len(paths) == 1 else f"{paths[0]} to {paths[-1]} ({len(paths)} pictures)"


def _one(client: HttpClient | GrpcClient, content: bytes, hints: Hints) -> Result | str:
    try:
        return client.read(content, hints)
    except ClientError as error:
        return str(error)


def _client(arguments: argparse.Namespace) -> HttpClient | GrpcClient:
    credentials = credentials_of(arguments)
    if arguments.grpc:
        address, tls = grpc_address(arguments.grpc)
        return GrpcClient(address, credentials=credentials, tls=tls)
    url = arguments.url or DEFAULT_URL
    check_url(url)
    return HttpClient(url, credentials=credentials)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m serving ask",
        description="Send pictures to a running service and print what it reads.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(parser)
    for flag in ("--model-site", "--model-type", "--model-name"):
        parser.add_argument(flag, default="", metavar="TEXT", help="which model is wanted (default: by size)")
    return parser
