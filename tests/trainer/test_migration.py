"""Configs of captcha_trainer, of both generations, become ours with nothing lost silently."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import ConfigError
from trainer import config as configs
from trainer.cli.root import main
from trainer.config import TrainConfig
from trainer.errors import UsageError
from trainer.migration.story import Migrated, migrate

# The keys that the first seed shows in its two files.
EARLY_CONFIG = r"""
System:
  DeviceUsage: 0.7
  TrainsPath: 'E:\Task\Trains\YourModelName\'
  TrainRegex: '.*?(?=_)'
  TestPath: 'E:\Task\TestGroup\YourModelName\'
  TestRegex: '.*?(?=_)'
  TestSetNum: 1000
NeuralNet:
  CNNNetwork: CNN5
  RecurrentNetwork: BLSTM
  HiddenNum: 64
  KeepProb: 0.98
Trains:
  SavedSteps: 100
  ValidationSteps: 500
  EndAcc: 0.975
  EndEpochs: 1
  BatchSize: 64
  TestBatchSize: 400
  LearningRate: 0.01
  DecayRate: 0.98
  DecaySteps: 10000
"""
EARLY_MODEL = """
Model:
  Sites: []
  ModelName: YourModelName-CNN5-H64-150x50
  ModelType: 150x50
  CharSet: ALPHANUMERIC_LOWER
  CharExclude: []
  CharReplace: {}
  ImageWidth: 150
  ImageHeight: 50
Pretreatment:
  Binaryzation: -1
  Smoothing: -1
  Blur: -1
"""
LATER = """
System:
  MemoryUsage: 0.8
  Version: 2
NeuralNet:
  CNNNetwork: CNNX
  RecurrentNetwork: GRU
  UnitsNum: 48
  Optimizer: RAdam
  OutputLayer: {LossFunction: CrossEntropy, Decoder: CTC}
Model: {ModelName: project-1, ModelField: Image, ModelScene: Classification}
FieldParam:
  Category: ARITHMETIC
  Resize: [-1, 64]
  ImageChannel: 3
  ImageWidth: 130
  ImageHeight: 53
  MaxLabelNum: -1
  AutoPadding: true
  OutputSplit:
Label: {LabelFrom: FileName, ExtractRegex: '.*?(?=-)', LabelSplit: null}
Trains:
  DatasetPath:
    Training: [./projects/project-1/dataset/Trains.0.tfrecords]
    Validation: [./projects/project-1/dataset/Validation.0.tfrecords]
  SourcePath:
    Training: ['D:\\pictures']
    Validation: []
  ValidationSetNum: 500
  SavedSteps: 100
  ValidationSteps: 500
  EndAcc: 0.95
  EndCost: 0.5
  EndEpochs: 2
  BatchSize: 64
  ValidationBatchSize: 300
  LearningRate: 0.001
DataAugmentation:
  Rotate: 20
  WarpPerspective: false
  RandomCaptcha: {Enable: false, FontPath: C:/fonts}
Pretreatment:
  Binaryzation: [100, 140]
  ReplaceTransparent: true
  HorizontalStitching: false
  ConcatFrames: -1
  BlendFrames: -1
  ExecuteMap: {}
"""


def write(folder: Path, **files: str) -> list[Path]:
    paths = [folder / f"{name}.yaml" for name in files]
    for path, text in zip(paths, files.values(), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def early(folder: Path, config: str = EARLY_CONFIG, model: str = EARLY_MODEL) -> Migrated:
    return migrate(write(folder, config=config, model=model))


def later(folder: Path, **keys: str) -> Migrated:
    text = LATER
    for key, value in keys.items():
        line = next(line for line in LATER.splitlines() if line.strip().startswith(f"{key}:"))
        text = text.replace(line, f"{line.split(key)[0]}{key}: {value}")
    return migrate(write(folder, model=text))


def loaded(migrated: Migrated, folder: Path) -> TrainConfig:
    path = folder / "ours.yaml"
    path.write_text(migrated.text(path), encoding="utf-8")
    return configs.read(path)


def told(migrated: Migrated) -> list[str]:
    """The keys that are named as lost or changed."""
    return [sentence.split(":")[0] for sentence in (*migrated.lost, *migrated.changed)]


def test_the_seeds_two_files(tmp_path: Path) -> None:
    migrated = early(tmp_path)
    config = loaded(migrated, tmp_path)
    left_out = ["Trains.LearningRate", "Trains.DecayRate", "Trains.DecaySteps"]
    for text in (EARLY_CONFIG, EARLY_MODEL):
        for section, keys in yaml.safe_load(text).items():
            for key, value in keys.items():
                if f"{section}.{key}" not in left_out:
                    assert getattr(getattr(config, section), key) == value, f"{section}.{key}"
    assert [sentence.split(":")[0] for sentence in migrated.lost] == left_out
    assert told(migrated)[3:] == ["NeuralNet.KeepProb", "NeuralNet", "Trains.EndAcc", "Pretreatment.ReplaceTransparent"]


def test_the_text_names_all_of_it_and_keeps_the_comments(tmp_path: Path) -> None:
    migrated = early(tmp_path)
    text = migrated.text(Path("configs/x.yaml"))
    header = " ".join(line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#"))
    for sentence in (*migrated.lost, *migrated.changed):
        assert " ".join(sentence.split()) in " ".join(header.split())
    assert "python -m trainer verify configs/x.yaml" in header
    assert max(map(len, text.splitlines())) <= 140
    assert "HiddenNum: 64    # units in each direction" in text


def test_settings_that_were_dead_work(tmp_path: Path) -> None:
    model = EARLY_MODEL.replace("CharReplace: {}", "CharReplace: {0: o, 'l': 1}")
    migrated = early(tmp_path, model=model)
    config = loaded(migrated, tmp_path)
    assert config.charset.fold("A0l") == "ao1"
    assert config.NeuralNet.KeepProb == 0.98
    assert {"Model.CharReplace", "NeuralNet.KeepProb"} <= set(told(migrated))


def test_paths_in_the_model_file_take_the_place_of_the_others(tmp_path: Path) -> None:
    model = EARLY_MODEL + "Trains: {TrainsPath: ./dataset/xxx.tfrecords, TestPath: [a, b], Other: 1}\n"
    migrated = early(tmp_path, model=model)
    config = loaded(migrated, tmp_path)
    assert config.System.train_paths == ("./dataset/xxx.tfrecords",)
    assert config.System.test_paths == ("a", "b")
    assert any(sentence.startswith("Trains.Other: 1: unknown key") for sentence in migrated.lost)
    assert any(r"E:\\Task\\Trains" in sentence for sentence in migrated.changed)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("TestSetNum: 1000", "TestSetNum: 0", 1000),  # 0 counted as missing, and missing as 1000
        ("TestSetNum: 1000", "TestSetNum:", 1000),
        ("TestSetNum: 1000", "TestSetNum: 600", 600),
    ],
)
def test_the_size_of_the_test_set(tmp_path: Path, old: str, new: str, expected: int) -> None:
    config = EARLY_CONFIG.replace(old, new).replace(r"'E:\Task\TestGroup\YourModelName\'", "")
    assert loaded(early(tmp_path, config), tmp_path).System.TestSetNum == expected


def test_empty_keys_and_steps_that_are_off(tmp_path: Path) -> None:
    model = EARLY_MODEL.replace("Binaryzation: -1", "Binaryzation:").replace("Blur: -1", "Blur: 0\n  Resize: [150, 50]")
    config = loaded(early(tmp_path, EARLY_CONFIG.replace("HiddenNum: 64", "HiddenNum:"), model), tmp_path)
    assert (config.Pretreatment.Binaryzation, config.Pretreatment.Blur) == (-1, -1)
    assert config.Pretreatment.Resize == [150, 50]


def test_numbers_where_text_is_wanted_count_as_written(tmp_path: Path) -> None:
    model = EARLY_MODEL.replace("ModelType: 150x50", "ModelType: 007\n  Version: 1.10").replace(
        "CharSet: ALPHANUMERIC_LOWER", "CharSet: [0, 1, a]"
    )
    config = loaded(early(tmp_path, model=model), tmp_path)
    assert (config.Model.ModelType, config.Model.Version, config.charset.symbols) == ("007", "1.10", ("0", "1", "a"))


def test_a_charset_of_words_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("一\n乙\n一\n", encoding="utf-8")
    migrated = early(tmp_path, model=EARLY_MODEL.replace("CharSet: ALPHANUMERIC_LOWER", "CharSet: mine.txt"))
    assert loaded(migrated, tmp_path).charset.symbols == ("一", "乙")
    assert any("stood twice stand once: 一" in sentence for sentence in migrated.changed)


@pytest.mark.parametrize(
    ("config", "model", "message"),
    [
        (EARLY_CONFIG, EARLY_MODEL.replace("ALPHANUMERIC_LOWER", "ALPHANUMERICS"), "Model.CharSet: 'ALPHANUMERICS' is"),
        (EARLY_CONFIG, EARLY_MODEL.replace("  ModelName", "  Modelname"), "Model.ModelName: missing"),
        (EARLY_CONFIG, EARLY_MODEL.replace("ImageWidth: 150", "ImageWidth: wide"), "Model.ImageWidth: "),
        (EARLY_CONFIG.replace("  TrainsPath", "  TrainPath"), EARLY_MODEL, "System.TrainsPath: missing"),
        ("System: [", EARLY_MODEL, "not valid YAML"),
    ],
)
def test_what_a_config_cannot_do_without_is_an_error(tmp_path: Path, config: str, model: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        early(tmp_path, config, model)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"model": EARLY_MODEL}, "give its config.yaml too"),
        ({"config": EARLY_CONFIG}, "give its model.yaml too"),
        ({"one": EARLY_CONFIG + EARLY_MODEL}, "it needs no migration"),
        ({"one": LATER, "two": LATER}, "early generation, or the one model.yaml"),
        ({"one": EARLY_CONFIG, "two": EARLY_CONFIG}, "early generation, or the one model.yaml"),
        ({"one": "[]"}, "early generation, or the one model.yaml"),
    ],
)
def test_files_that_do_not_go_together(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        migrate(write(tmp_path, **files))


def test_the_order_of_the_files_does_not_matter(tmp_path: Path) -> None:
    one, other = write(tmp_path, config=EARLY_CONFIG, model=EARLY_MODEL)
    assert migrate([other, one]).values == migrate([one, other]).values


values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
trees = st.recursive(
    values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner), max_leaves=6
)
KEYS = [
    (section, key)
    for text in (EARLY_CONFIG, EARLY_MODEL, LATER)
    for section, keys in yaml.safe_load(text).items()
    for key in [*keys, "Unheard"]
]


@given(changes=st.lists(st.tuples(st.sampled_from(KEYS), trees), max_size=4), generation=st.sampled_from([1, 2]))
def test_whatever_stands_there_is_carried_or_named(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[tuple[str, str], Any]], generation: int
) -> None:
    folder = tmp_path_factory.mktemp("any")
    texts = {"config": EARLY_CONFIG, "model": EARLY_MODEL} if generation == 1 else {"model": LATER}
    files = {name: yaml.safe_load(text) for name, text in texts.items()}
    for tree in files.values():
        for (section, key), value in changes:
            if section in tree:
                tree[section][key] = value
    try:
        migrated = migrate(write(folder, **{name: yaml.safe_dump(tree) for name, tree in files.items()}))
    except ConfigError:
        return
    loaded(migrated, folder)
    for tree in files.values():
        for section, keys in tree.items():
            if isinstance(keys.get("Unheard"), int | float | str | list):
                assert f"{section}.Unheard" in told(migrated)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, config=EARLY_CONFIG, model=EARLY_MODEL)
    assert main(["migrate", "config.yaml", "model.yaml"]) == 0
    told_to_person = capsys.readouterr().err
    assert "left out: Trains.LearningRate: 0.01: it was meant for another optimizer" in told_to_person
    written = Path("configs/YourModelName-CNN5-H64-150x50.yaml")
    assert configs.read(written).Model.ImageWidth == 150
    assert main(["migrate", "config.yaml", "model.yaml"]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["migrate", "config.yaml", "model.yaml", "-o", "mine.yaml"]) == 0
    assert Path("mine.yaml").read_text(encoding="utf-8").count("verify mine.yaml") == 1
