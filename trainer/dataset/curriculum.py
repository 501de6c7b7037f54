"""How long a training on drawn pictures begins with few of the symbols (Bengio et al. 2009). Pure.

A network that sees thousands of symbols from the start learns where they stand, and then none of them for long. CNN5
without a recurrent part still guessed among 3,499 after 550 steps of 64 pictures (8.15 nats each, of 8.16); behind 300
steps with 100 of them it took 500 steps with all of them to 1.2 nats.
"""

from trainer.config import TrainConfig

MANY_SYMBOLS = 300
MOST_PICTURES = 30_000
PICTURES_PER_SYMBOL = 30  # a quarter of the pictures that a recipe shows at least
LONGEST = 0.25  # of a training whose length is given


def curriculum_of(config: TrainConfig) -> int:
    """Return how many pictures a config begins with that have few of the symbols."""
    synthetic, epochs = config.Synthetic, config.Trains.MaxEpochs
    if synthetic.Curriculum is not None:
        return synthetic.Curriculum
    symbols = len(config.charset.symbols)
    if symbols <= MANY_SYMBOLS:
        return 0
    usual = min(MOST_PICTURES, PICTURES_PER_SYMBOL * symbols)
    return min(usual, round(LONGEST * epochs * synthetic.Epoch)) if epochs else usual


def skipped(config: TrainConfig) -> TrainConfig:
    """Return the config of a training that starts from what reads already: it needs no such beginning.

    Drawn pictures begin with few symbols only if the config says so; other sets never begin with drawn letters.
    """
    if not config.System.synthetic:
        return config.model_copy(update={"Trains": config.Trains.model_copy(update={"PrimerSteps": 0})})
    if config.Synthetic.Curriculum is not None:
        return config
    return config.model_copy(update={"Synthetic": config.Synthetic.model_copy(update={"Curriculum": 0})})
