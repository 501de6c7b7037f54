"""The export's proof: a fresh process reads the whole test set as the platform will, and every text must be equal.

It goes from picture bytes through the contract, the model YAML and the .pb. It imports no keras and sees no GPU, so
nothing of training can leak into it. `python -m trainer.export.proof` is that process.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from contract.decode import Logits
from trainer.dataset import records
from trainer.errors import TrainerError

SHOWN = 20  # differing pictures kept in a report


@dataclass(frozen=True)
class Expectation:
    """What training read.

    Attributes:
        records: the packed test set.
        shape: (H, W, C) of its pixels.
        texts: read from each picture, in the order of the records.
    """

    records: str
    shape: tuple[int, int, int]
    texts: list[str]


@dataclass(frozen=True)
class Difference:
    """A picture on which the exported graph does not do what the trained model did."""

    index: int
    name: str
    fault: str


@dataclass(frozen=True)
class Proof:
    """What came of reading the whole test set with the artifact.

    Attributes:
        pictures: that were read.
        differing: how many of them differ in any way.
        differences: the first of these.
        largest_difference: of any score, absolute, in logits.
    """

    pictures: int
    differing: int
    differences: list[Difference]
    largest_difference: float


def prove(spec_path: Path, expectation: Expectation, logits: Logits) -> Proof:
    """Read the test set with an artifact in a fresh process and compare.

    Args:
        spec_path: the artifact's model YAML.
        expectation: what training read.
        logits: float32 [N, T, K], training's scores.

    Raises:
        TrainerError: the process failed, for example because the platform cannot load the graph; says why.
    """
    folder = spec_path.parent
    (folder / "expected.json").write_text(json.dumps(asdict(expectation)), "utf-8")
    np.save(folder / "expected.npy", logits)
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "trainer.export.proof", str(spec_path), str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)  # noqa: S603 - our own module
    if done.returncode:
        reason = done.stderr.strip().splitlines()
        raise TrainerError(f"the exported model failed its proof: {reason[-1] if reason else done.returncode}")
    tree = json.loads(done.stdout)
    return Proof(**{**tree, "differences": [Difference(**item) for item in tree["differences"]]})


def compare(spec_path: Path, expectation: Expectation, expected: Logits) -> Proof:
    """Read the test set with an artifact in this process and compare; as `prove`."""
    import engine  # noqa: PLC0415 - before anything can import tensorflow with keras

    test = records.load(Path(expectation.records), len(expectation.texts), expectation.shape)
    recognizer = engine.load(spec_path)
    differences: list[Difference] = []
    largest = 0.0
    for index, (content, text) in enumerate(zip(test.encoded, expectation.texts, strict=True)):
        pixels = recognizer.prepare(content)
        logits, symbols = recognizer.logits_and_symbols(pixels[np.newaxis])
        read = recognizer.read_pixels(pixels[np.newaxis])[0].text
        largest = max(largest, float(np.abs(logits[0] - expected[index]).max()))
        own = _spelled(symbols[0], recognizer.spec.charset.symbols)
        fault = _fault(text, read, own, same_pixels=np.array_equal(pixels, test.pixels[index]))
        if fault:
            differences.append(Difference(index, test.names[index], fault))
    return Proof(len(test), len(differences), differences[:SHOWN], largest)


def _fault(expected: str, read: str, own: str, *, same_pixels: bool) -> str:
    if not same_pixels:
        return "its pixels are not those that were packed"
    if read != expected:
        return f"training read {expected!r}, the exported graph reads {read!r}"
    if own != read:
        return f"the graph's own decoder reads {own!r}, its scores spell {read!r}"
    return ""


def _spelled(numbers: npt.NDArray[np.int64], symbols: tuple[str, ...]) -> str:
    return "".join(symbols[number] for number in numbers if number >= 0)


def main(arguments: list[str]) -> int:
    """Run the proof that `prove` asks for and print it as JSON."""
    spec_path, folder = Path(arguments[0]), Path(arguments[1])
    tree = json.loads((folder / "expected.json").read_text("utf-8"))
    expectation = Expectation(tree["records"], tuple(tree["shape"]), tree["texts"])
    proof = compare(spec_path, expectation, np.load(folder / "expected.npy", allow_pickle=False))
    if any(name.split(".")[0] == "keras" for name in sys.modules):
        raise TrainerError("keras was imported during the proof")
    sys.stdout.write(json.dumps(asdict(proof)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
