from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from PIL import Image

from trainer.cli.root import main
from trainer.config import TrainConfig

NETWORK = {"CNNNetwork": "CNN5", "Geometry": "seed", "HiddenNum": 16}


@pytest.fixture
def config(configure: Callable[..., TrainConfig]) -> TrainConfig:
    return configure("nowhere", NeuralNet=NETWORK)


@pytest.fixture
def config_file(config: TrainConfig, tmp_path: Path) -> Path:
    path = tmp_path / "model.yaml"
    path.write_text(yaml.safe_dump(config.model_dump()))
    return path


def test_parameters_and_work_are_those_of_the_textbook(config: TrainConfig) -> None:
    from trainer.network.build import build  # noqa: PLC0415 - these import keras
    from trainer.network.summary import summarize  # noqa: PLC0415

    model = build(config)
    summary = summarize(model)
    width, height = config.input_size
    frames, classes = -(-width // 16), config.charset.classes
    places = [(height, width)] * 2 + [(-(-height // 2**n), -(-width // 2**n)) for n in (1, 2, 3)]
    kernels = [(7, 1, 32), (5, 32, 64), (3, 64, 128), (3, 128, 128), (3, 128, 64)]
    convolutions = [h * w * k * k * i * o for (h, w), (k, i, o) in zip(places, kernels, strict=True)]
    features = -(-height // 16) * 64
    recurrence = frames * 2 * 4 * 16 * (features + 16)
    assert [line.multiply_adds for line in summary.lines if line.kind == "Conv2D"] == convolutions
    assert summary.multiply_adds == sum(convolutions) + recurrence + frames * 32 * classes
    assert summary.parameters == model.count_params()
    assert (summary.frames, summary.classes) == (frames, classes)


def test_the_table_and_the_picture_show_every_layer(config_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = config_file.with_name("network.png")
    assert main(["describe", str(config_file), "--png", str(picture)]) == 0
    shown = capsys.readouterr().out
    assert shown.count("Conv2D") == 5
    assert "LSTM, both ways" in shown
    assert "pictures are not there" in shown
    with Image.open(picture) as image:
        assert image.format == "PNG"
        assert image.height > image.width / 2
