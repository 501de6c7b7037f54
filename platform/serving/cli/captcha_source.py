"""`python -m serving captcha-source`: hand out pictures with their truth, to practise against."""

import argparse
import random
import sys
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

from contract.formats import format_of
from serving.cli.asking import DEFAULT_LABEL, label_of, pictures_in
from serving.ports import busy

PORT = 6100  # of cnn_captcha's
_EPILOG = """\
example:
  python -m trainer synth dataset/practice --count 1000
  python -m serving captcha-source dataset/practice
  curl -D - -o captcha.png http://127.0.0.1:6100/captcha/

Each GET of /captcha/ is answered with one of the pictures, and its label, percent-encoded, in the header
X-Captcha-Truth. Listens on this machine only.
"""


class Source(ThreadingHTTPServer):
    """Answers with pictures of a list.

    Args:
        port: on loopback; 0 for any free one.
        files: the pictures.
        regex: the part of a name that is the label.
        seed: of the order.
    """

    daemon_threads = True

    def __init__(self, port: int, files: Sequence[Path], regex: str, seed: int | None) -> None:
        self._files = files
        self._regex = regex
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        super().__init__(("127.0.0.1", port), _Handler)

    def draw(self) -> tuple[bytes, str]:
        """Return a picture and its label; empty if its name has none."""
        path = self._chance.choice(self._files)
        return path.read_bytes(), label_of(path, self._regex) or ""


class _Handler(BaseHTTPRequestHandler):
    server: Source
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.partition("?")[0].rstrip("/") != "/captcha":
            self.send_error(404, "the pictures are at /captcha/")
            return
        content, truth = self.server.draw()
        self.send_response(200)
        self.send_header("Content-Type", f"image/{(format_of(content) or 'png').lower()}")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Captcha-Truth", quote(truth))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing: a load would fill the terminal."""


def run(words: Sequence[str]) -> int:
    """Hand out pictures until Ctrl-C; raises ConfigError and OSError with a sentence."""
    arguments = _parser().parse_args(words)
    files = pictures_in([arguments.folder])
    label_of(files[0], arguments.label_regex)  # a wrong expression is said now, not at the first request
    try:
        source = Source(arguments.port, files, arguments.label_regex, arguments.seed)
    except OSError as error:
        raise busy("127.0.0.1", arguments.port) from error
    with source:
        sys.stdout.write(f"{len(files)} pictures at http://127.0.0.1:{source.server_port}/captcha/\n")
        sys.stdout.flush()
        try:
            source.serve_forever()
        except KeyboardInterrupt:
            sys.stdout.write("stopped\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m serving captcha-source",
        description="Hand out pictures of a folder with their truth, to practise against.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="of pictures; `python -m trainer synth` draws some")
    parser.add_argument("--port", type=int, default=PORT, help=f"0 for any free one (default {PORT})")
    parser.add_argument(
        "--label-regex", default=DEFAULT_LABEL, metavar="REGEX", help="the part of a name that is its label"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="for the same pictures in the same order")
    return parser
