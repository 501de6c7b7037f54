"""Configs of the later generation of captcha_trainer become configs of this trainer."""

from pathlib import Path

import pytest
import yaml

from contract.errors import ConfigError
from tests.trainer.test_migration import LATER, later, loaded, told, write
from trainer.migration.story import migrate


def test_the_later_generation(tmp_path: Path) -> None:
    migrated = later(tmp_path)
    config = loaded(migrated, tmp_path)
    system, net, trains = config.System, config.NeuralNet, config.Trains
    assert (system.DeviceUsage, system.train_paths, system.test_paths) == (0.8, ("D:\\pictures",), ())
    assert (system.TrainRegex, system.TestSetNum) == (".*?(?=-)", 500)
    assert (net.CNNNetwork, net.RecurrentNetwork, net.HiddenNum) == ("CNN5", "GRU", 48)
    assert (trains.EndAcc, trains.EndEpochs, trains.TestBatchSize, trains.LearningRate) == (0.95, 2, 300, 0.001)
    assert (config.Model.ImageWidth, config.Model.ImageHeight, config.Pretreatment.ImageChannel) == (130, 53, 3)
    assert config.Pretreatment.Resize == [157, 64]  # 130 * 64 / 53
    assert config.charset.symbols == tuple("0123456789()+-\N{MULTIPLICATION SIGN}÷=?")
    for key in (
        "System.Version",
        "System.DeviceUsage",
        "NeuralNet.CNNNetwork",
        "NeuralNet.Optimizer",
        "NeuralNet.OutputLayer.LossFunction",
        "FieldParam.MaxLabelNum",
        "Trains.DatasetPath.Training",
        "DataAugmentation.Rotate",
        "DataAugmentation.RandomCaptcha.FontPath",
        "Pretreatment.Binaryzation",
        "Pretreatment.ExecuteMap",
    ):
        assert key in told(migrated), key
    assert config.charset.fold("3x5=\N{FULLWIDTH QUESTION MARK}") == "3\N{MULTIPLICATION SIGN}5=?"
    assert "Model.CharReplace" in told(migrated)
    assert any("Binaryzation" in sentence and "[100, 140]" in sentence for sentence in migrated.lost)


def test_the_later_generation_without_a_place_for_pictures_says_so(tmp_path: Path) -> None:
    text = "\n".join(line for line in LATER.splitlines() if not line.strip().startswith(("MemoryUsage", "Version")))
    tree = {key: value for key, value in yaml.safe_load(text).items() if key not in {"System", "Label", "Trains"}}
    with pytest.raises(ConfigError, match=r"System\.TrainsPath|System: "):
        migrate(write(tmp_path, model=yaml.safe_dump(tree)))


def test_the_later_generation_of_fixed_length(tmp_path: Path) -> None:
    text = LATER.replace("MaxLabelNum: -1", "MaxLabelNum: 4").replace("CNNX", "CNN5").replace("GRU", "NoRecurrent")
    migrated = migrate(write(tmp_path, model=text))
    net = loaded(migrated, tmp_path).NeuralNet
    assert (net.RecurrentNetwork, net.Head, net.MaxLabelNum) == ("None", "CrossEntropy", 4)
    assert "FieldParam.MaxLabelNum" not in told(migrated)
    assert "NeuralNet.OutputLayer.LossFunction" not in told(migrated)


def test_the_later_generation_from_packed_files(tmp_path: Path) -> None:
    text = LATER.replace("Training: ['D:\\pictures']", "Training: []")
    config = loaded(migrate(write(tmp_path, model=text)), tmp_path)
    assert config.System.train_paths == ("./projects/project-1/dataset/Trains.0.tfrecords",)
    assert config.System.test_paths == ("./projects/project-1/dataset/Validation.0.tfrecords",)


def test_the_later_generation_with_label_files(tmp_path: Path) -> None:
    text = LATER.replace("LabelFrom: FileName", "LabelFrom: TXT").replace("Validation: []", "Validation: [sets/test]")
    config = loaded(migrate(write(tmp_path, model=text)), tmp_path)
    assert config.System.train_paths == ("D:\\train.txt",)
    assert config.System.test_paths == (str(Path("sets/val.txt")),)


@pytest.mark.parametrize(
    ("category", "symbols"),
    [
        ("NUMERIC", "0123456789"),
        ("ARITHMETIC_MIX_ALPHA_LOWER", "0123456789()+-\N{MULTIPLICATION SIGN}÷=?abcdefghijklmnopqrstuvwxyz"),
        ("[1, b]", "1b"),
    ],
)
def test_categories_of_the_later_generation(tmp_path: Path, category: str, symbols: str) -> None:
    charset = loaded(later(tmp_path, Category=category), tmp_path).charset
    assert "".join(charset.symbols) == symbols
    assert charset.fold("x 1") == ("x1" if "ARITHMETIC" in category else "x 1")


@pytest.mark.parametrize(
    ("optimizer", "advice"),
    [
        ("Adam", "`Trains.Optimizer: Adam` has it"),
        ("Momentum", "`Trains.Optimizer: {Name: SGD}` has it"),
        ("AdaBound", "Keras has none of that name"),
    ],
)
def test_an_optimizer_of_the_later_generation_is_named(optimizer: str, advice: str, tmp_path: Path) -> None:
    migrated = migrate(write(tmp_path, model=LATER.replace("RAdam", optimizer)))
    (sentence,) = (sentence for sentence in migrated.lost if sentence.startswith("NeuralNet.Optimizer"))
    assert sentence == (f"NeuralNet.Optimizer: {optimizer}: AdamW with warm-up and cosine takes its place; {advice}")
