"""The export's proof: a fresh process reads the whole test set as the platform will, and every text must be equal.

Only where the scores are equal up to rounding, and so close to each other that rounding decides, may a text differ.

It goes from picture bytes through the contract, the model YAML and the exported file. It imports no keras and sees no
GPU, so nothing of training can leak into it. `python -m trainer.export.proof` is that process.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from contract import decode, image
from contract import spec as specs
from contract.decode import Logits
from contract.pixels import Pixels
from contract.spec import ModelSpec
from engine.arithmetic import Compute
from trainer.dataset import records
from trainer.errors import TrainerError
from trainer.export.runtimes import Format, Frozen, Runtime, open_format

EXPECTED = "expected.npy"
SHOWN = 20  # differing pictures kept in a report
BATCH = 64  # pictures
SINGLE_EVERY = 16  # each so many pictures, one is read alone too

# In logits. Other orders of adding up differ by 1e-6 to 5e-5 in networks that were trained here.
ROUNDING = 1e-3


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
class Exhibit:
    """What is to be proven.

    Attributes:
        name: what to call it in errors.
        spec: path of the model YAML.
        file: path of the graph, or of the file or folder in another format.
        format: None for the frozen graph.
        compute: arithmetic of the frozen graph.
    """

    name: str
    spec: str
    file: str
    format: Format | None = None
    compute: Compute = "auto"


@dataclass(frozen=True)
class Difference:
    """A picture on which the exported model does not do what the trained model did."""

    index: int
    name: str
    fault: str


@dataclass(frozen=True)
class Proof:
    """What came of reading the whole test set with an exported model.

    Attributes:
        texts: read from each picture.
        ties: pictures of which the text differs and the scores do not: two readings are as likely, up to rounding.
        differing: how many others differ in any way.
        broken: how many of them differ in more than the text: a defect, whatever the arithmetic.
        differences: the first of them, broken ones before the others.
        largest_difference: of any score, absolute, in logits.
    """

    texts: list[str]
    ties: list[int]
    differing: int
    broken: int
    differences: list[Difference]
    largest_difference: float

    @property
    def pictures(self) -> int:
        """How many were read."""
        return len(self.texts)


def prove(exhibit: Exhibit, expectation: Expectation, folder: Path) -> Proof:
    """Read the test set in a fresh process and compare.

    Args:
        exhibit: what is to be proven.
        expectation: what training read.
        folder: holds training's scores as `EXPECTED`, float32 [N, T, K]; the two processes leave their messages there.

    Raises:
        TrainerError: the process failed, for example because the platform cannot load the graph; says why.
    """
    question = {"exhibit": asdict(exhibit), "expectation": asdict(expectation)}
    (folder / "question.json").write_text(json.dumps(question), "utf-8")
    environment = os.environ | {
        "PYTHONUTF8": "1",
        "CUDA_VISIBLE_DEVICES": "-1",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    command = [sys.executable, "-m", "trainer.export.proof", str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)  # noqa: S603 - our own module
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise TrainerError(f"the exported model failed its proof: {reason[-1] if reason else done.returncode}")
    tree = json.loads((folder / "answer.json").read_text("utf-8"))
    return Proof(**{**tree, "differences": [Difference(**item) for item in tree["differences"]]})


def compare(exhibit: Exhibit, expectation: Expectation, expected: Logits) -> Proof:
    """Read the test set in this process and compare; as `prove`."""
    spec = specs.read(Path(exhibit.spec))
    runtime = _open(exhibit, spec)
    test = records.load(Path(expectation.records), len(expectation.texts), expectation.shape)
    texts: list[str] = []
    broken: list[Difference] = []
    misread: list[Difference] = []
    ties: list[int] = []
    largest = 0.0
    for start in range(0, len(test), BATCH):
        part = slice(start, start + BATCH)
        read = _read(runtime, spec, test.encoded[part])
        largest = max(largest, float(np.abs(read.logits - expected[part]).max()))
        for row, index in enumerate(range(len(test))[part]):
            if defect := _defect(read, row, test.pixels[index]):
                broken.append(Difference(index, test.names[index], defect))
            elif fault := _fault(read, row, expectation.texts[index]):
                if _is_tie(read, row, expected[index], expectation.texts[index], spec):
                    ties.append(index)
                else:
                    misread.append(Difference(index, test.names[index], fault))
        texts += read.texts
    return Proof(texts, ties, len(broken) + len(misread), len(broken), [*broken, *misread][:SHOWN], largest)


@dataclass(frozen=True)
class _Read:
    """What was read from a batch: pixels, scores, texts by them, texts by the model itself, and scores of one alone."""

    pixels: Pixels
    logits: Logits
    texts: list[str]
    own: list[str]
    alone: dict[int, Logits]
    texts_alone: dict[int, str]


def _read(runtime: Runtime, spec: ModelSpec, encoded: Sequence[bytes]) -> _Read:
    pixels = np.stack([image.to_pixels(content, spec.Pretreatment, spec.input_size) for content in encoded])
    logits, own = runtime.read(pixels)
    texts = _texts(logits, spec)
    rows = range(0, len(pixels), SINGLE_EVERY)
    alone = {row: runtime.read(pixels[row : row + 1])[0] for row in rows}
    texts_alone = {row: _texts(scores, spec)[0] for row, scores in alone.items()}
    return _Read(pixels, logits, texts, texts if own is None else own, alone, texts_alone)


def _defect(read: _Read, row: int, packed: Pixels) -> str:
    if not np.array_equal(read.pixels[row], packed):
        return "its pixels are not those that were packed"
    if read.own[row] != read.texts[row]:
        return f"the model's own decoder reads {read.own[row]!r}, its scores spell {read.texts[row]!r}"
    return ""


def _fault(read: _Read, row: int, expected: str) -> str:
    text = read.texts[row]
    alone = read.texts_alone.get(row, text)
    if text != expected:
        return f"training read {expected!r}, the exported model reads {text!r}"
    return "" if alone == text else f"read alone it gives {alone!r}, among others {text!r}"


def _is_tie(read: _Read, row: int, expected: Logits, text: str, spec: ModelSpec) -> bool:
    scores = [read.logits[row], *read.alone.get(row, [])]
    # Equal scores alone prove nothing: the symbols may be other ones.
    return _texts(expected[None], spec) == [text] and all(np.abs(one - expected).max() <= ROUNDING for one in scores)


def _open(exhibit: Exhibit, spec: ModelSpec) -> Runtime:
    path = Path(exhibit.file)
    return open_format(exhibit.format, path) if exhibit.format else Frozen(spec, path, exhibit.compute)


def _texts(logits: Logits, spec: ModelSpec) -> list[str]:
    return [item.text for item in decode.read(logits, spec.charset, spec.Graph.Head)]


def main(arguments: list[str]) -> int:
    """Carry out the proof that `prove` asks for, and write what came of it."""
    folder = Path(arguments[0])
    question = json.loads((folder / "question.json").read_text("utf-8"))
    asked = question["expectation"]
    expectation = Expectation(asked["records"], tuple(asked["shape"]), asked["texts"])
    expected = np.load(folder / EXPECTED, mmap_mode="r", allow_pickle=False)
    proof = compare(Exhibit(**question["exhibit"]), expectation, expected)
    if any(name.split(".")[0] == "keras" for name in sys.modules):
        raise TrainerError("keras was imported during the proof")
    (folder / "answer.json").write_text(json.dumps(asdict(proof)), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
