"""What an export is held against: the test set as the trained network reads it."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np

from contract import decode
from contract.files import write_atomically
from trainer.config import TrainConfig
from trainer.dataset.pack import PackedSet
from trainer.errors import TrainerError
from trainer.evaluation.metrics import Score, score
from trainer.export.proof import EXPECTED, Exhibit, Expectation, Proof, prove
from trainer.network import reading
from trainer.run import Run


class Gate:
    """The test set and what the trained network reads in it.

    Attributes:
        test: the test set, with its picture files.
        score: of the trained network.
    """

    def __init__(self, model: keras.Model, config: TrainConfig, packed: PackedSet, run: Run, folder: Path) -> None:
        """Read the test set with the trained network.

        Args:
            model: in float32.
            config: of the training.
            packed: the set.
            run: keeps the pictures that are refused.
            folder: an empty one, for what the proofs need.
        """
        self.test = packed.load("test")
        self.folder = folder
        self._run = run
        texts: list[str] = []
        # On disk: thousands of symbols make gigabytes of scores. Not through a memory map: a full disk would end that
        # with a signal, where writing says what is wrong.
        shape = (len(self.test), *model.output_shape[1:])
        header = {"descr": np.dtype(np.float32).str, "fortran_order": False, "shape": shape}
        with (folder / EXPECTED).open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for batch in reading.scores(model, self.test.pixels, config.Trains.TestBatchSize):
                file.write(np.ascontiguousarray(batch, np.float32).data)
                texts += [item.text for item in decode.read(batch, config.charset, config.NeuralNet.head)]
        self.score = score(self.test.labels, texts)
        self._expectation = Expectation(str(packed.files["test"].resolve()), packed.shape, texts)

    def prove(self, exhibit: Exhibit) -> Proof:
        """Read the test set with an exhibit in a fresh process.

        Raises:
            TrainerError: it could not be read at all, or a defect was found; the first pictures of that are kept.
        """
        proof = prove(exhibit, self._expectation, self.folder)
        if proof.broken:
            raise self.refusal(proof, exhibit)
        return proof

    def prove_equal(self, exhibit: Exhibit) -> Proof:
        """As `prove`, but one text that is not the trained network's, nor a tie with it, is a TrainerError too."""
        proof = self.prove(exhibit)
        if proof.differing:
            raise self.refusal(proof, exhibit)
        return proof

    def score_of(self, proof: Proof) -> Score:
        """Return how well an exhibit read the labels."""
        return score(self.test.labels, proof.texts)

    def refusal(self, proof: Proof, exhibit: Exhibit) -> TrainerError:
        """Keep the differing pictures to look at, and return an error that says what happened."""
        kept = self._run.rejected
        kept.mkdir(parents=True, exist_ok=True)
        for difference in proof.differences:
            name = Path(difference.name).name
            write_atomically(kept / f"{difference.index:06d}_{name}", self.test.encoded[difference.index])
        report = json.dumps([asdict(item) for item in proof.differences], indent=2, ensure_ascii=False)
        write_atomically(kept / "differences.json", report.encode())
        first = proof.differences[0]
        return TrainerError(
            f"{exhibit.name} differs from the trained network on {proof.differing:,} of {proof.pictures:,} pictures "
            f"(first: {first.name}: {first.fault}); nothing was published, the pictures are in {kept}"
        )


def less_accurate(reference: Score, others: Sequence[Score]) -> str:
    """Return why other readings of the same pictures are less accurate, or nothing if they are not. Pure.

    They are as accurate if their accuracy is not below the 95 % interval of the reference.
    """
    lowest = min(others, key=lambda other: other.correct)
    bound, _ = reference.interval
    if lowest.accuracy >= bound:
        return ""
    return f"it reads {lowest.accuracy:.2%}, and the 95 % interval of {reference.accuracy:.2%} goes down to {bound:.2%}"
