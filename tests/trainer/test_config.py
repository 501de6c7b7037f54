from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from contract.errors import ConfigError
from contract.strict import parse_yaml, validate
from trainer import config as configs
from trainer.config import TrainConfig, TrainsSection
from trainer.dataset.config_file import TEMPLATE, fill

ROOT = Path(__file__).parents[2]

# Every key of the two files that the first seed shows, with its values.
SEED = r"""
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


def parse(text: str) -> TrainConfig:
    return validate(TrainConfig, parse_yaml(text, "x.yaml"), "x.yaml")


def problems(**sections: str) -> list[str]:
    given = {"System": "{TrainsPath: a}", "Model": "{ModelName: a, CharSet: NUMERIC, ImageWidth: 9, ImageHeight: 9}"}
    text = "\n".join(f"{name}: {keys}" for name, keys in (given | sections).items())
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return list(caught.value.problems)


def test_every_key_of_the_seed_is_understood() -> None:
    tree = yaml.safe_load(SEED)
    config = parse(SEED)
    for section, keys in tree.items():
        for key, value in keys.items():
            assert getattr(getattr(config, section), key) == value, f"{section}.{key}"


def test_the_smallest_config_names_pictures_and_model() -> None:
    config = parse("System: {TrainsPath: a}\nModel: {ModelName: a, CharSet: '01', ImageWidth: 9, ImageHeight: 7}")
    assert config.System.train_paths == ("a",)
    assert config.System.test_paths == ()
    assert config.System.test_regex == config.System.TrainRegex
    assert config.input_size == (9, 7)


@pytest.mark.parametrize(("given", "listed"), [("", ()), ("''", ()), ("[]", ()), ("a", ("a",)), ("[a, b]", ("a", "b"))])
def test_an_empty_test_path_is_none(given: str, listed: tuple[str, ...]) -> None:
    config = parse(
        f"System:\n  TrainsPath: a\n  TestPath: {given}\n"
        "Model: {ModelName: a, CharSet: '01', ImageWidth: 9, ImageHeight: 9}"
    )
    assert config.System.test_paths == listed


def test_a_section_with_every_key_commented_out_has_its_defaults() -> None:
    model = "Model: {ModelName: a, CharSet: '01', ImageWidth: 9, ImageHeight: 9}"
    assert parse(f"System: {{TrainsPath: a}}\nTrains:\n  # BatchSize: 9\n{model}").Trains == TrainsSection()


def test_a_bare_off_is_a_word() -> None:
    trains = parse(SEED.replace("SavedSteps: 100", "Augment: off\n  ClipNorm: off\n  EMA: off")).Trains
    assert (trains.Augment.Preset, trains.ClipNorm, trains.EMA) == ("off", "off", "off")


def test_one_word_stands_for_a_section() -> None:
    words, sections = (
        parse(SEED.replace("SavedSteps: 100", f"Augment: {augment}\n  Optimizer: {optimizer}")).Trains
        for augment, optimizer in (("strong", "Adadelta"), ("{Preset: strong}", "{Name: Adadelta}"))
    )
    assert words == sections
    assert words != parse(SEED).Trains


@pytest.mark.parametrize(
    ("section", "keys", "start"),
    [
        ("System", "{TrainsPath: ''}", "System.TrainsPath: names nothing"),
        ("System", "{TrainsPath: a, TestSetNum: 0}", "System.TestSetNum: 0 pictures leave nothing to test on"),
        ("System", "{TrainsPath: a, TrainRegex: '('}", "System.TrainRegex: '(' is no regular expression"),
        ("System", "{TrainsPath: a, TestRegex: '['}", "System.TestRegex: '[' is no regular expression"),
        ("System", "{TrainsPath: a, DeviceUsage: 1.5}", "System.DeviceUsage: "),
        ("System", "{TrainPath: a}", "System.TrainsPath: missing"),
        ("NeuralNet", "{CNNNetwork: cnn5}", "NeuralNet.CNNNetwork: "),
        ("NeuralNet", "{HiddenNun: 8}", "NeuralNet.HiddenNun: unknown key (did you mean 'HiddenNum'?)"),
        ("NeuralNet", "{KeepProb: 0}", "NeuralNet.KeepProb: "),
        ("NeuralNet", "{Head: CrossEntropy}", "NeuralNet.MaxLabelNum: missing; Head CrossEntropy needs the length of"),
        ("NeuralNet", "{MaxLabelNum: 4}", "NeuralNet.MaxLabelNum: counts only with Head CrossEntropy, and Head is CTC"),
        ("NeuralNet", "{Dense: [8]}", "NeuralNet.Dense: counts only with Head CrossEntropy"),
        ("NeuralNet", "{CNNNetwork: VGG, Geometry: seed}", "NeuralNet.Geometry: counts only with CNN5, and CNNNetwork"),
        ("NeuralNet", "{RecurrentNetwork: None, RecurrentLayers: 2}", "NeuralNet.RecurrentLayers: there are none with"),
        ("Trains", "{EndEpochs: 3}", "Trains.EndEpochs: says when EndAcc and EndCost begin to count, and neither is"),
        ("Trains", "{Optimizer: {Name: SGD, Nesterov: true, Momentum: 0}}", "Trains.Optimizer.Nesterov: is a kind of"),
        ("NeuralNet", "{VGG: {BatchNorm: false}}", "NeuralNet.VGG: is laid out, but CNNNetwork is CNN5"),
        (
            "NeuralNet",
            "{CNNNetwork: VGG, VGG: {Bloks: []}}",
            "NeuralNet.VGG.Bloks: unknown key (did you mean 'Blocks'?)",
        ),
        (
            "NeuralNet",
            "{CNNNetwork: VGG, VGG: {Blocks: [{Filters: [8]}, {Filters: [8], Pool: [2]}]}}",
            "NeuralNet.VGG.Blocks.1.Pool: should be a list of at least 2, found a list of 1",
        ),
        (
            "NeuralNet",
            "{CNNNetwork: VGG, VGG: {Blocks: [{Filters: [8], Padding: [same, valid]}]}}",
            "NeuralNet.VGG.Blocks.0.Padding: 2 of them for 1 convolutions",
        ),
        (
            "NeuralNet",
            "{CNNNetwork: DenseNet, DenseNet: {Blocks: [4, 4]}}",
            "NeuralNet.DenseNet.Transitions: 2 of them do not stand between 2 blocks; give 1",
        ),
        ("Trains", "{DecayRate: 0.9}", "Trains: DecayRate is given without DecaySteps or DecayPatience"),
        ("Trains", "{DecaySteps: 9}", "Trains: DecaySteps is given without DecayRate"),
        ("Trains", "{DecayPatience: 9}", "Trains: DecayPatience is given without DecayRate"),
        (
            "Trains",
            "{DecayRate: 0.9, DecaySteps: 9, DecayPatience: 9}",
            "Trains: DecaySteps and DecayPatience are both",
        ),
        ("Trains", "{Optimizer: AdaBound}", "Trains.Optimizer.Name: should be 'AdamW', 'Adam', "),
        ("Trains", "{Optimizer: {Name: SGD, Beta1: 0.5}}", "Trains.Optimizer.Beta1: SGD has none; it belongs to AdamW"),
        ("Trains", "{Optimizer: {Momentun: 0.5}}", "Trains.Optimizer.Momentun: unknown key (did you mean 'Momentum'?)"),
        ("Trains", "{Augment: weak}", "Trains.Augment.Preset: should be 'off', 'light', 'strong' or 'auto'"),
        ("Trains", "{Augment: {Rotat: 5}}", "Trains.Augment.Rotat: unknown key (did you mean 'Rotate'?)"),
        ("Trains", "{Augment: {Erase: 1.5}}", "Trains.Augment.Erase: should be at most 1"),
        ("Trains", "{ClipNorm: 0}", "Trains.ClipNorm: should be more than 0.0 or 'off'"),
        ("Trains", "{EMA: 1}", "Trains.EMA: should be less than 1.0 or 'off'"),
        ("Trains", "{EndEpochs: 9, MaxEpochs: 3}", "Trains: EndEpochs 9 is after MaxEpochs 3"),
        ("Trains", "{BatchSize: 64.0}", "Trains.BatchSize: "),
        ("Trains", "{LearningRate: .inf}", "Trains.LearningRate: "),
        ("Neuralnet", "{}", "Neuralnet: unknown key (did you mean 'NeuralNet'?)"),
    ],
)
def test_a_bad_key_is_named(section: str, keys: str, start: str) -> None:
    assert any(problem.startswith(start) for problem in problems(**{section: keys}))


def test_all_problems_are_told_at_once() -> None:
    found = problems(System="{TrainsPath: a, TestSetNum: 0}", Trains="{BatchSize: 0}", NeuralNet="{RecurrentLayers: 3}")
    assert len(found) == 3


def test_a_test_set_smaller_than_a_test_batch_is_explained() -> None:
    found = problems(System="{TrainsPath: a, TestSetNum: 100}", Trains="{TestBatchSize: 200}")
    assert found == [
        "the whole file: System.TestSetNum 100 is less than Trains.TestBatchSize 200: the test set must fill one "
        "batch; lower TestBatchSize to 100 or leave it out, or set more pictures aside"
    ]


def test_a_small_test_set_needs_no_test_batch_size() -> None:
    assert parse(SEED.replace("TestSetNum: 1000", "TestSetNum: 10").replace("TestBatchSize: 400", "")).System


def test_init_writes_every_key() -> None:
    sections = {name: field.annotation for name, field in TrainConfig.model_fields.items()}
    for name, section in sections.items():
        assert isinstance(section, type)
        assert issubclass(section, BaseModel)
        assert f"{name}:\n" in TEMPLATE
        missing = [key for key in section.model_fields if f"{key}:" not in TEMPLATE and key != "Resize"]
        assert not missing


def test_the_config_to_start_with_is_what_init_would_write() -> None:
    text = (ROOT / "configs" / "model.yaml").read_text(encoding="utf-8")
    given = {section: keys or {} for section, keys in yaml.safe_load(text).items()}
    assert text[text.index("System:\n") :] == fill(given)


def test_a_missing_file_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml"):
        configs.read(tmp_path / "none.yaml")


def test_a_section_without_keys_has_its_defaults(tmp_path: Path) -> None:
    path = tmp_path / "bare.yaml"
    path.write_text(
        "System: {TrainsPath: x}\nModel: {ModelName: a, CharSet: NUMERIC, ImageWidth: 48, ImageHeight: 16}\n"
        "Trains:\n  # BatchSize: 64\nNeuralNet:\n"
    )
    assert configs.read(path).Trains == TrainsSection()
    path.write_text("System: {TrainsPath: x}\nModel:\n")
    with pytest.raises(ConfigError, match=r"Model\.ModelName: missing"):
        configs.read(path)
