"""`python -m serving captcha-source`: hand out pictures with their truth, to practise against."""

import argparse
import random
import re
import sys
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

from contract.charset import symbols_of
from contract.errors import CharsetError, ConfigError
from contract.formats import format_of
from serving.cli.asking import DEFAULT_LABEL, label_of, pictures_in
from serving.ports import listen

PORT = 6100  # of cnn_captcha's
_LAST_PORT = 65535
_LONGEST = 64
Drawn = tuple[bytes, str]
Draw = Callable[[], Drawn]

_EPILOG = """\
example:
  python -m serving captcha-source
  python -m serving captcha-source --charset NUMERIC --length 6 --size 150x50 --seed 1
  python -m serving captcha-source dataset/practice
  curl -D - -o captcha.png http://127.0.0.1:6100/captcha/

Each GET of /captcha/ is answered with a new picture, or with one of FOLDER, and its label, percent-encoded, in the
header X-Captcha-Truth. Listens on this machine only.
"""


class Source(ThreadingHTTPServer):
    """Answers with pictures.

    Args:
        port: on loopback; 0 for any free one.
        draw: gives a picture and its label; empty if that is not known.
    """

    daemon_threads = True

    def __init__(self, port: int, draw: Draw) -> None:
        self.draw = draw
        listening = listen("127.0.0.1", port)
        super().__init__(listening.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.server_port = listening.getsockname()[1]


def from_files(files: Sequence[Path], regex: str, seed: int | None) -> Draw:
    """Return what picks one of the files; the part of its name that the expression finds is the label."""
    chance = random.Random(seed)  # noqa: S311 - no secret

    def draw() -> Drawn:
        path = chance.choice(files)
        return path.read_bytes(), label_of(path, regex) or ""

    return draw


def from_painter(symbols: Sequence[str], length: int, size: tuple[int, int], seed: int | None) -> Draw:
    """Return what draws a new picture with the package `captcha`.

    Args:
        symbols: that its text is made of.
        length: of the text.
        size: (width, height) in pixels.
        seed: for the same pictures in the same order.

    Raises:
        ConfigError: the package is not installed.
    """
    try:
        from captcha.image import ImageCaptcha  # noqa: PLC0415 - only for this, and it may not be there
    except ImportError as error:
        advice = 'pip install "captcha-foundry[train]" for the package that draws them, or name a FOLDER of pictures'
        raise ConfigError("captcha-source", [advice]) from error
    painter = ImageCaptcha(*size)
    chance = random.Random(seed)  # noqa: S311 - no secret
    lock = threading.Lock()

    def draw() -> Drawn:
        with lock:  # the package draws with the one generator of the process
            random.seed(chance.random())
            text = "".join(random.choices(symbols, k=length))  # noqa: S311 - no secret
            return painter.generate(text).getvalue(), text

    return draw


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
    draw, what = _draw_of(arguments)
    draw()  # what is wrong with it is said now, not at the first request
    with Source(arguments.port, draw) as source:
        sys.stdout.write(f"{what} at http://127.0.0.1:{source.server_port}/captcha/\n")
        sys.stdout.flush()
        try:
            source.serve_forever()
        except KeyboardInterrupt:
            sys.stdout.write("stopped\n")
    return 0


def _draw_of(arguments: argparse.Namespace) -> tuple[Draw, str]:
    if arguments.folder:
        files = pictures_in([arguments.folder])
        return from_files(files, arguments.label_regex, arguments.seed), f"{len(files)} pictures"
    try:
        symbols = symbols_of(arguments.charset)
    except CharsetError as error:
        raise ConfigError("--charset", [str(error)]) from error
    draw = from_painter(symbols, arguments.length, arguments.size, arguments.seed)
    return draw, f"pictures of {arguments.length} symbols"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m serving captcha-source",
        description="Hand out pictures with their truth, to practise against: newly drawn ones, or those of a folder.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="of pictures; without it, draw them")
    parser.add_argument("--port", type=_port, default=PORT, help=f"0 for any free one (default {PORT})")
    parser.add_argument("--seed", type=int, metavar="N", help="for the same pictures in the same order")
    text = "the part of a file's name that is its label"
    parser.add_argument("--label-regex", default=DEFAULT_LABEL, metavar="REGEX", help=text)
    text = "symbols to draw: the name of a set, or the symbols themselves (default ALPHANUMERIC_LOWER)"
    parser.add_argument("--charset", default="ALPHANUMERIC_LOWER", metavar="SET", help=text)
    parser.add_argument("--length", type=_positive, default=4, metavar="N", help="symbols in a picture (default 4)")
    parser.add_argument("--size", type=_size, default=(160, 60), metavar="WxH", help="in pixels (default 160x60)")
    return parser


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{number} is not between 0 and {_LAST_PORT}")
    return number


def _positive(text: str) -> int:
    number = int(text)
    if not 1 <= number <= _LONGEST:
        raise argparse.ArgumentTypeError(f"{number} is not between 1 and {_LONGEST}")
    return number


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([1-9][0-9]{1,3})x([1-9][0-9]{1,3})", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no size as 160x60")
    return int(found[1]), int(found[2])
