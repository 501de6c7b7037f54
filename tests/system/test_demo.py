"""The demo trains a config of its own, whatever becomes of configs/model.yaml."""

import importlib.util
from pathlib import Path

from trainer import config as configs

ROOT = Path(__file__).parents[2]


def test_the_config_is_what_the_demo_asks_for() -> None:
    spec = importlib.util.spec_from_file_location("demo", ROOT / "scripts" / "demo.py")
    assert spec
    assert spec.loader
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    config = configs.read(ROOT / demo.CONFIG)
    assert (config.Model.ModelName, config.Model.Version) == (demo.MODEL, "1.0")
    assert config.System.train_paths == (demo.TRAINING.as_posix(),)
    others = [configs.read(path).Model.ModelName for path in (ROOT / "configs").rglob("*.yaml")]
    assert demo.MODEL not in others
