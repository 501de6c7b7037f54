"""Model YAMLs of captcha_trainer, early and later, by tables of what is known of them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from contract import spec
from contract.errors import ConfigError
from contract.legacy import LegacyModel, generation_of, parse
from contract.legacy_charset import reader_in
from contract.pretreatment import Pretreatment

NUMBER, LOWER, UPPER = "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ARITHMETIC = "()+-\N{MULTIPLICATION SIGN}\N{DIVISION SIGN}="
DIGEST = "0123456789abcdef" * 4

EARLY = """
Model:
  Sites: []
  ModelName: demo-CNN5-H64-150x50_9875
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
  MemoryUsage: 0.7
  Version: 2
NeuralNet:
  CNNNetwork: CNNX
  RecurrentNetwork: GRU
  UnitsNum: 64
  Optimizer: RAdam
  OutputLayer:
    LossFunction: CTC
    Decoder: CTC
Model:
  ModelName: demo-CNNX-GRU-H64-CTC-C1_9900
  ModelField: Image
  ModelScene: Classification
FieldParam:
  Category: NUMERIC
  Resize: [150, 50]
  ImageChannel: 1
  ImageWidth: 160
  ImageHeight: 60
  MaxLabelNum: -1
  OutputSplit:
  AutoPadding: True
Label:
  LabelFrom: FileName
Trains:
  BatchSize: 64
DataAugmentation:
  Rotate: -1
Pretreatment:
  Binaryzation: -1
  ReplaceTransparent: True
  HorizontalStitching: False
  ConcatFrames: -1
  BlendFrames: -1
  ExecuteMap: {}
"""


def read(text: str, folder: Path | None = None, **changes: Any) -> LegacyModel:
    """Read a YAML with some keys changed; `Section__Key` goes one deep."""
    tree = yaml.safe_load(text)
    for path, value in changes.items():
        *sections, key = path.split("__")
        place = tree
        for section in sections:
            place = place[section]
        place[key] = value
    found = parse(yaml.safe_dump(tree).encode(), "old.yaml", folder and reader_in(folder))
    assert found is not None
    return found


def problems(text: str, folder: Path | None = None, **changes: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        read(text, folder, **changes)
    return caught.value.problems


def without(text: str, *keys: str) -> str:
    return "".join(line for line in text.splitlines(True) if line.strip().partition(":")[0] not in keys)


def symbols(model: LegacyModel) -> str:
    return "".join(model.model.charset.symbols)


def test_an_early_model_is_described_as_ours_are() -> None:
    described = read(EARLY).with_graph(DIGEST)
    assert isinstance(described, spec.ModelSpec)
    assert (described.Graph.File, described.Graph.SHA256) == ("demo-CNN5-H64-150x50_9875.pb", DIGEST)
    assert (described.Graph.Layout, described.Graph.Input) == ("captcha-trainer-v1", "input:0")
    assert (described.Graph.Logits, described.Graph.Decoded) == ("output/predict:0", "dense_decoded:0")
    assert (described.Model.ModelName, described.Model.ModelType) == ("demo-CNN5-H64-150x50_9875", "150x50")
    assert "".join(described.charset.symbols) == NUMBER + LOWER
    assert described.input_size == (150, 50)
    assert read(EARLY).notes == ()


def test_a_later_model_is_described_as_ours_are() -> None:
    described = read(LATER).with_graph(DIGEST)
    assert described.Graph.File == "demo-CNNX-GRU-H64-CTC-C1_9900.pb"
    assert described.Graph.Layout == "captcha-trainer-v2"
    assert "".join(described.charset.symbols) == NUMBER
    assert (described.Model.ImageWidth, described.Model.ImageHeight, described.input_size) == (160, 60, (150, 50))
    assert described.Pretreatment == Pretreatment(Resize=[150, 50])
    assert read(LATER).notes == ()


def test_missing_and_empty_keys_have_the_early_defaults() -> None:
    least = "Model: {ModelName: a, CharSet: NUMERIC, ImageWidth: 9, ImageHeight: 8, CharExclude:}\nPretreatment:"
    described = read(least).with_graph(DIGEST)
    assert described.Pretreatment == Pretreatment(ReplaceTransparent=False)
    assert (described.Model.Version, described.Model.Sites, described.Model.ModelType) == ("1.0", [], "")
    assert described.input_size == (9, 8)


def test_missing_keys_have_the_later_defaults() -> None:
    least = "Model: {ModelName: a}\nFieldParam: {Category: NUMERIC, ImageWidth: 9, ImageHeight: 8}"
    described = read(least).with_graph(DIGEST)
    assert described.Pretreatment == Pretreatment(ReplaceTransparent=True, Resize=[9, 8])
    assert described.Graph.Layout == "captcha-trainer-v2"


@pytest.mark.parametrize(
    ("key", "written", "meant"),
    [
        ("Binaryzation", 120, 120),
        ("Binaryzation", 0, -1),
        ("Smoothing", 3, 3),
        ("Smoothing", 0, -1),
        ("Smoothing", None, -1),
        ("Blur", 5, 5),
        ("Blur", -1, -1),
        ("Resize", [120, 40], [120, 40]),
        ("ReplaceTransparent", True, True),
    ],
)
def test_early_steps_keep_their_meaning(key: str, written: Any, meant: Any) -> None:
    assert getattr(read(EARLY, **{f"Pretreatment__{key}": written}).pretreatment, key) == meant


@pytest.mark.parametrize(
    ("written", "meant"), [("1.10", "1.10"), ("'2.0'", "2.0"), ("3", "3"), ("", "1.0"), ("1.0", "1.0")]
)
def test_a_version_is_read_as_it_is_written(written: str, meant: str) -> None:
    assert read(EARLY).model.Version == "1.0"
    found = parse(EARLY.replace("Model:", f"Model:\n  Version: {written}", 1).encode(), "old.yaml")
    assert found is not None
    assert found.model.Version == meant


def test_a_site_may_stand_alone() -> None:
    assert read(EARLY, Model__Sites="example").model.Sites == ["example"]
    assert read(EARLY, Model__Sites=["a", 12306]).model.Sites == ["a", "12306"]


@pytest.mark.parametrize(
    ("resize", "fed"), [([-1, 50], (133, 50)), ([-1, 60], (160, 60)), ([120, 40], (120, 40)), (None, (160, 60))]
)
def test_a_free_width_is_that_of_the_declared_pictures(resize: list[int] | None, fed: tuple[int, int]) -> None:
    model = read(LATER, FieldParam__Resize=resize)
    assert model.with_graph(DIGEST).input_size == fed
    assert any("the width is free" in note for note in model.notes) == (resize is not None and resize[0] < 0)


def test_colour_and_fixed_length() -> None:
    model = read(LATER, FieldParam__ImageChannel=3, NeuralNet__OutputLayer={"LossFunction": "CrossEntropy"})
    assert (model.pretreatment.ImageChannel, model.layout) == (3, "captcha-trainer-v2-fixed")


@pytest.mark.parametrize(
    ("text", "change", "note"),
    [
        (EARLY, {"Model__SplitChar": ","}, "Model.SplitChar: requests say themselves"),
        (
            EARLY,
            {"Model__CharExcludes": []},
            "Model.CharExcludes: unknown key (did you mean 'CharExclude'?); it is left",
        ),
        (EARLY, {"Pretreatment__Blurr": 3}, "Pretreatment.Blurr: unknown key (did you mean 'Blur'?)"),
        (EARLY, {"Extra": 1}, "Extra: unknown key; it is left out"),
        (LATER, {"FieldParam__OutputSplit": ","}, "FieldParam.OutputSplit: requests say themselves"),
        (LATER, {"FieldParam__Category": "ARITHMETIC"}, "FieldParam.Category: the text is answered as it is read"),
        (LATER, {"Pretreatment__Smoothing": 3}, "Pretreatment.Smoothing: unknown key"),
    ],
)
def test_keys_without_a_meaning_are_named(text: str, change: dict[str, Any], note: str) -> None:
    (found,) = read(text, **change).notes
    assert found.startswith(note)


@pytest.mark.parametrize(
    "change", [{"System": {"Device": "cpu:0", "DeviceUsage": 0.1}}, {"Trains": {"TrainsPath": "x"}}]
)
def test_keys_of_training_and_devices_are_passed_over(change: dict[str, Any]) -> None:
    assert read(EARLY, **change).notes == ()


@pytest.mark.parametrize(
    ("text", "change", "problem"),
    [
        (
            EARLY,
            {"Model__CharSet": "ALPHANUMERIC_LOWERS"},
            "Model.CharSet: 'ALPHANUMERIC_LOWERS' is no set of captcha_trainer: did you mean",
        ),
        (EARLY, {"Model__CharSet": []}, "Model.CharSet: an empty symbol, or none at all"),
        (
            EARLY,
            {"Model__CharSet": "NUMERIC", "Model__CharExclude": list(NUMBER)},
            "Model.CharExclude: no symbol is left",
        ),
        (EARLY, {"Model__ModelName": "a/b"}, "Model.ModelName: should be at most 100 letters"),
        (EARLY, {"Model__Version": "new"}, "Model.Version: should be up to four whole numbers"),
        (EARLY, {"Pretreatment__Binaryzation": 255}, "Pretreatment.Binaryzation: should be at most 254, found 255"),
        (LATER, {"Pretreatment__Binaryzation": [1, 2]}, "Pretreatment.Binaryzation: should be a whole number"),
        (
            LATER,
            {"Pretreatment__HorizontalStitching": True},
            "Pretreatment.HorizontalStitching: this step cannot be done",
        ),
        (LATER, {"Pretreatment__ConcatFrames": [0, 1]}, "Pretreatment.ConcatFrames: this step cannot be done"),
        (LATER, {"Pretreatment__BlendFrames": [-1]}, "Pretreatment.BlendFrames: this step cannot be done"),
        (LATER, {"Pretreatment__ExecuteMap": {"a": ["@@x"]}}, "Pretreatment.ExecuteMap: this step cannot be done"),
        (LATER, {"FieldParam__CorpParams": [{"start_pos": [0, 0]}]}, "FieldParam.CorpParams: this step cannot be done"),
        (LATER, {"FieldParam__Resize": [150, -1]}, "FieldParam.Resize: only the width may be -1"),
        (LATER, {"Model__ModelField": "Text"}, "Model.ModelField: should be 'Image', found 'Text'"),
    ],
)
def test_what_cannot_be_served_is_refused(text: str, change: dict[str, Any], problem: str) -> None:
    (found,) = problems(text, **change)
    assert found.startswith(problem)


def test_all_problems_are_told_at_once() -> None:
    found = problems(without(EARLY, "ModelName"), Model__ImageWidth="150", Pretreatment__Resize=[1])
    assert [problem.partition(":")[0] for problem in found] == [
        "Model.ModelName",
        "Model.ImageWidth",
        "Pretreatment.Resize",
    ]


@pytest.mark.parametrize(
    ("text", "generation"),
    [
        (EARLY, 1),
        (LATER, 2),
        ("Model: {}", 1),
        ("Model: {}\nGraph: {}", None),
        ("Schema: 1\nModel: {}", None),
        ("Model: {}\nNeuralNet: {}\nSystem: {}", None),
        ("a: 1", None),
        ("- a", None),
        ("", None),
    ],
)
def test_the_generation_shows_in_the_sections(text: str, generation: int | None) -> None:
    assert generation_of(yaml.safe_load(text)) == generation
    if generation is None:
        assert parse(text.encode(), "old.yaml") is None
