"""Small sets of pictures and configs for them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from PIL import Image

from contract.strict import validate
from trainer.config import TrainConfig

Configure: TypeAlias = Callable[..., TrainConfig]
WritePictures: TypeAlias = Callable[[Path, Iterable[str]], list[Path]]


@pytest.fixture
def configure() -> Configure:
    """Return a maker of configs; keyword arguments name sections whose keys are added to the smallest config."""

    def make(train: Path | str, **sections: dict[str, Any]) -> TrainConfig:
        tree: dict[str, dict[str, Any]] = {
            "System": {"TrainsPath": str(train), "Threads": 1},
            "Model": {"ModelName": "tiny", "CharSet": "NUMERIC", "ImageWidth": 48, "ImageHeight": 16},
        }
        for name, keys in sections.items():
            tree[name] = tree.get(name, {}) | keys
        return validate(TrainConfig, tree, "test")

    return make


@pytest.fixture
def write_pictures() -> WritePictures:
    """Return a writer of noise pictures of 48x16, one per file name; the same name gives the same picture."""

    def write(folder: Path, names: Iterable[str]) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / name for name in names]
        for path in paths:
            noise = np.random.default_rng(list(path.name.encode())).integers(0, 256, (16, 48), np.uint8)
            Image.fromarray(noise).save(path)
        return paths

    return write


@pytest.fixture
def pictures(tmp_path: Path, write_pictures: WritePictures) -> Path:
    """Return a folder of forty pictures with labels."""
    write_pictures(tmp_path / "pictures", [f"{number:04}_x.png" for number in range(0, 10_000, 250)])
    return tmp_path / "pictures"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return where packed sets go."""
    return tmp_path / "dataset"
