"""Drawn letters and digits, which a network that is to tell many symbols apart learns first.

A set of pictures may show each of hundreds of symbols a few dozen times. A network that begins with them finds out
where symbols stand, and then learns the pictures by heart before it has learned what a stroke is: with 5,400 pictures
of 500 Chinese symbols CNN5 + BLSTM read none of 600 others in the end, and 92 % of them behind 500 steps with drawn
letters. Features are what is taken over (Yosinski et al. 2014, "How transferable are features in deep neural
networks?", arXiv 1411.1792); the layer that names symbols starts afresh for all that are new.
"""

import contextlib
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from trainer.config import TrainConfig
from trainer.dataset import endless
from trainer.errors import DivergedError
from trainer.network.geometry import frames
from trainer.progress import Progress
from trainer.training import recipe as recipes
from trainer.training.learner import Learner
from trainer.training.pipeline import batches_of
from trainer.training.recipe import WARMUP_SHARE, Recipe, peak_rate
from trainer.training.schedule import WarmupCosine
from trainer.training.warm import Donor, symbols_of

LONGEST = 0.25  # of Trains.MaxMinutes, which it comes before
SYMBOLS = "ALPHANUMERIC"
FRAMES_EACH = 2  # of CTC for a drawn symbol: equal neighbours need one between them


def letters_for(config: TrainConfig, length: int) -> TrainConfig:
    """Return the config of the same network for drawn pictures of the same size.

    Args:
        config: of the pictures that it is to read.
        length: symbols of a drawn text; fewer where they would not fit.
    """
    length = max(1, min(length, frames(config.NeuralNet, config.input_size[0]) // FRAMES_EACH))
    drawn = {"CharSet": SYMBOLS, "CharExclude": [], "CharReplace": {}, "CaseSensitive": True}
    model = config.Model.model_dump() | drawn
    return config.model_copy(
        update={
            "System": config.System.model_copy(update={"TrainsPath": "synthetic"}),
            "Synthetic": config.Synthetic.model_copy(update={"Length": length, "Fonts": [], "Curriculum": 0}),
            "Model": type(config.Model).model_validate(model),  # a copy would keep the character set it was asked for
        }
    )


def learn(config: TrainConfig, plan: Recipe, labels: Sequence[str], progress: Progress) -> Donor:
    """Train the network on drawn letters, and return it to start from.

    Args:
        config: of the pictures that it is to read.
        plan: of their training.
        labels: of them, or of some: drawn texts are as long as most of these.
        progress: is told, and shows the steps.

    Raises:
        DataError: a worker process was killed.
        DivergedError: it does.
    """
    progress.say(f"First {plan.primer:,} steps with letters and digits, which are drawn: see Trains.PrimerSteps")
    letters, steps = letters_for(config, round(median(map(len, labels)))), plan.primer
    usual = recipes.choose(letters, letters.Synthetic.Epoch, plan.precision)
    rate = WarmupCosine(peak_rate(config.Trains), max(1, round(steps * WARMUP_SHARE)), steps)
    own = replace(usual, steps=steps, batch_size=plan.batch_size, plain_from=steps, rate=rate)
    learner = Learner(letters, own)
    minutes = config.Trains.MaxMinutes
    deadline = time.monotonic() + 60 * LONGEST * minutes if minutes else math.inf
    source = endless.source_of(letters)
    with (
        progress.steps("letters", steps * own.batch_size) as shown,
        contextlib.closing(batches_of(source, letters, own, first_step=0)) as batches,
    ):
        for batch in batches:
            loss = learner.step(batch.images, batch.labels, rate(learner.steps))
            shown.note(f"loss {loss:.3f}")
            shown.advance(own.batch_size)
            if not math.isfinite(loss):
                raise DivergedError(learner.steps, learned="drawn letters")
            if time.monotonic() > deadline:
                break
    learner.refresh_reader()
    weights = learner.reader_weights()
    return Donor(Path("drawn letters"), weights, symbols_of(weights))
