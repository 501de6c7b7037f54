"""The one YAML that a training needs, as frozen models. Key names are those of captcha_trainer's two files.

Relative paths are relative to the folder that the command runs in, as they were there.
"""

from trainer.config.augment import AugmentSection
from trainer.config.export import ExportSection
from trainer.config.kinds import Arithmetic, AskedArithmetic
from trainer.config.neural_net import NeuralNetSection
from trainer.config.optimizer import OptimizerSection
from trainer.config.synthetic import SyntheticSection
from trainer.config.system import SystemSection
from trainer.config.trains import TrainsSection
from trainer.config.whole import TrainConfig, read

__all__ = [
    "Arithmetic",
    "AskedArithmetic",
    "AugmentSection",
    "ExportSection",
    "NeuralNetSection",
    "OptimizerSection",
    "SyntheticSection",
    "SystemSection",
    "TrainConfig",
    "TrainsSection",
    "read",
]
