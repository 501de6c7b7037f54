"""What the pictures of a set are to fit."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from contract.charset import Charset
from trainer.config import NeuralNetSection, TrainConfig
from trainer.dataset.findings import Side


@dataclass(frozen=True)
class Target:
    """What the pictures are to fit.

    Attributes:
        charset: of the model.
        neural_net: section `NeuralNet`.
        picture_size: `ImageWidth` and `ImageHeight`.
        input_width: that the network sees, in pixels.
        test_set_num: `TestSetNum`; None sets a tenth aside.
        split_here: the test set is to be taken out of the training pictures.
        regexes: the label pattern for each side.
        frame: `AnimatedFrame`; None where the config chooses none.
        drawn: the pictures to train on are drawn while training, out of all symbols.
        idle: a sentence for each key that decides nothing.
    """

    charset: Charset
    neural_net: NeuralNetSection
    picture_size: tuple[int, int]
    input_width: int
    test_set_num: int | None
    split_here: bool
    regexes: Mapping[Side, str]
    frame: int | None = None
    drawn: bool = False
    idle: Sequence[str] = ()

    @functools.cached_property
    def fold(self) -> Callable[[str], str]:
        """How the character set folds a label; each label is folded once, whatever asks for it."""
        return functools.cache(self.charset.fold)


def target_of(config: TrainConfig) -> Target:
    """Return what a config asks of its pictures."""
    return Target(
        charset=config.charset,
        neural_net=config.NeuralNet,
        picture_size=(config.Model.ImageWidth, config.Model.ImageHeight),
        input_width=config.input_size[0],
        test_set_num=config.System.TestSetNum,
        split_here=config.System.splits,
        regexes={"train": config.System.TrainRegex, "test": config.System.test_regex},
        frame=config.Pretreatment.AnimatedFrame,
        drawn=config.System.synthetic,
        idle=config.System.idle,
    )
