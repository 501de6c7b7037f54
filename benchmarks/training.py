"""How fast a training step is, beside PyTorch's: the same network, batch and machine, in turns.

    python benchmarks/training.py --torch /path/to/environment/bin/python [--rounds 9] [--steps 5]

CNN5 with the geometry `wide`, BLSTM 64, 37 classes, 64 pictures of 160x60, AdamW, gradients clipped: forward, CTC,
backward and update. Ours is `Learner.step` as `train` calls it; every tenth step also goes into the moving average of
the weights, which the medians leave out. PyTorch runs in an environment of your own (made with
`pip install torch==2.13.* numpy`) in three ways: eager, channels-last, and channels-last compiled; in float32, and with
autocast to bfloat16.

Every candidate has a process of its own. All take turns of a few steps; a ratio is the median over the rounds of two
medians of the same round. Without --torch only ours is measured, and where its time goes.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HERE = Path(__file__).parent

CLASSES, HIDDEN = 37, 64
LSTM_BIASES = 2 * 4 * HIDDEN  # PyTorch keeps a second one for each gate of both directions; it changes nothing

PRECISIONS = ("float32", "bfloat16")
MODES = ("eager", "channels-last", "compiled")
TARGETS = {"float32": 1.3, "bfloat16": 1.0}

PAUSE = 0.3  # seconds between turns: the threads of the last one still look for work that long


class Candidate:
    """A process that does steps when it is told to. Use it with `with`."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.about = self._answer()

    def ask(self, order: str) -> Any:  # noqa: ANN401 - any JSON
        """Return the answer to an order."""
        time.sleep(PAUSE)
        if self._process.stdin:
            self._process.stdin.write(f"{order}\n")
            self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:  # noqa: ANN401 - any JSON
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            sys.exit(f"{self.name} ended early; run {' '.join(map(str, self._process.args))} to see why")  # type: ignore[arg-type]
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


def main() -> int:
    """Measure; 0 if the targets are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", metavar="PYTHON", help="the python of an environment with PyTorch 2.13")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=5, help="in a turn")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES, help="of PyTorch")
    arguments = parser.parse_args()
    met = True
    for precision in PRECISIONS:
        with ExitStack() as stack:
            candidates = [stack.enter_context(one) for one in start(precision, arguments)]
            met &= compare(precision, candidates, arguments)
    return 0 if met else 1


def start(precision: str, arguments: argparse.Namespace) -> list[Candidate]:
    """Start all candidates of a precision, ours first, one after the other."""
    ours = Candidate("ours", [sys.executable, str(HERE / "training_ours.py"), precision])
    found = [ours]
    for mode in arguments.modes if arguments.torch else ():
        command = [arguments.torch, str(HERE / "training_torch.py"), mode, precision, str(CLASSES), str(HIDDEN)]
        other = Candidate(f"PyTorch {mode}", command)
        if other.about["parameters"] != ours.about["parameters"] + LSTM_BIASES:
            sys.exit(f"not the same network: {other.about}, ours {ours.about}")
        found.append(other)
    return found


def compare(precision: str, candidates: Sequence[Candidate], arguments: argparse.Namespace) -> bool:
    """Let the candidates take turns, print what came of it, and return whether the target is met."""
    seconds: dict[str, list[float]] = {one.name: [] for one in candidates}
    for _ in range(arguments.rounds):
        for one in candidates:
            seconds[one.name].append(statistics.median(one.ask(str(arguments.steps))))
    print(f"\n{precision}: milliseconds of a step, median of {arguments.rounds} rounds (fastest round)")
    for name, rounds in seconds.items():
        ratio = f"  {ratio_of(rounds, seconds['ours']):.2f} times ours" if name != "ours" else ""
        print(f"  {name:<22}{statistics.median(rounds) * 1000:8.1f} ({min(rounds) * 1000:.1f}){ratio}")
    print_profile(candidates[0].ask("profile"), statistics.median(seconds["ours"]))
    return print_target(precision, seconds)


def ratio_of(others: Sequence[float], ours: Sequence[float]) -> float:
    """Return the median over the rounds of how much longer others take."""
    return statistics.median(other / own for other, own in zip(others, ours, strict=True))


def print_profile(found: Mapping[str, Any], step: float) -> None:
    """Print where the time of our step goes."""
    shares = ", ".join(f"{kind} {share:.0%}" for kind, share in found["shares"].items())
    reached = found["work"] / step / found["limit"]
    print(f"  of our operations' time: {shares}")
    print(f"  a varied batch takes {found['input'] * 1000:.1f} ms, which training does ahead")
    print(
        f"  {found['work'] / 1e9:.1f} G multiply-adds a step at {found['work'] / step / 1e9:.0f} G/s: {reached:.0%} of "
        f"a product of matrices, {found['limit'] / 1e9:.0f} G/s"
    )


def print_target(precision: str, seconds: Mapping[str, Sequence[float]]) -> bool:
    """Print and return whether ours is as much faster than PyTorch's best as it should be."""
    ratios = [ratio_of(rounds, seconds["ours"]) for name, rounds in seconds.items() if name != "ours"]
    if not ratios:
        return True
    met = min(ratios) >= TARGETS[precision]
    verdict = "met" if met else "MISSED"
    print(f"  target: PyTorch's best takes {TARGETS[precision]} times as long; found {min(ratios):.2f}: {verdict}")
    return met


if __name__ == "__main__":
    sys.exit(main())
