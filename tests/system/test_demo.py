"""The demo trains a config of its own, whatever becomes of configs/model.yaml."""

from pathlib import Path

from tests.modules import SCRIPTS, executed
from trainer import config as configs

ROOT = Path(__file__).parents[2]


def test_the_config_is_what_the_demo_asks_for() -> None:
    demo = executed(SCRIPTS / "demo.py")
    config = configs.read(ROOT / demo.CONFIG)
    assert (config.Model.ModelName, config.Model.Version) == (demo.MODEL, "1.0")
    assert config.System.train_paths == (demo.TRAINING.as_posix(),)
    others = [configs.read(path).Model.ModelName for path in (ROOT / "configs").rglob("*.yaml")]
    assert demo.MODEL not in others
