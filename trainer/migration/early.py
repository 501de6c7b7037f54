"""The early generation of captcha_trainer (2019): config.yaml and model.yaml."""

from trainer.migration.charset import carry_charset
from trainer.migration.draft import Draft, Keys

TEST_SET = 1000  # its TestSetNum where none is given

_DEAD_THERE = "had no effect there; it has one here"


def migrate(config: Keys, model: Keys, draft: Draft) -> None:
    """Fill a draft from the two files."""
    _system(config, model, draft)
    draft.carry(config, "NeuralNet", ("CNNNetwork", "RecurrentNetwork", "HiddenNum", "KeepProb"))
    if "KeepProb" in draft.values.get("NeuralNet", {}):
        draft.change("NeuralNet.KeepProb", _DEAD_THERE)
    if draft.values.get("NeuralNet", {}).get("CNNNetwork") == "DenseNet":
        draft.change("NeuralNet.CNNNetwork", "DenseNet is larger here; `DenseNet: {Growth: 8}` is as it was there")
    draft.change(
        "NeuralNet",
        "CNN5 makes a frame for each 4 pixels of width and one recurrent layer reads them, which learns faster; "
        "`Geometry: seed` and `RecurrentLayers: 2` are as it was there",
    )
    _trains(config, draft)
    _model(model, draft)
    _pretreatment(model, draft)


def _system(config: Keys, model: Keys, draft: Draft) -> None:
    draft.carry(config, "System", ("DeviceUsage", "TrainsPath", "TrainRegex", "TestPath", "TestRegex", "TestSetNum"))
    system = draft.values.setdefault("System", {})
    for key in ("TrainsPath", "TestPath"):
        value = model.take("Trains", key)
        if value is not None:
            before = system.get(key)
            told = f"takes the place of {before!r} in {config.name}, as it did there" if before else "is put here"
            draft.change(f"System.{key}", f"Trains.{key} of {model.name} {told}")
            system[key] = value
    if not system.get("TestPath") and not system.get("TestSetNum"):
        system["TestSetNum"] = TEST_SET
        draft.change("System.TestSetNum", f"none was given, or 0, which meant {TEST_SET:,} there")


def _trains(config: Keys, draft: Draft) -> None:
    draft.carry(
        config,
        "Trains",
        ("SavedSteps", "ValidationSteps", "EndAcc", "EndCost", "EndEpochs", "BatchSize", "TestBatchSize"),
    )
    if "EndAcc" in draft.values.get("Trains", {}):
        draft.change("Trains.EndAcc", "is compared with the whole test set, no longer with one batch of it")
    for key in ("LearningRate", "DecayRate", "DecaySteps"):
        why = (
            "it was meant for another optimizer (momentum); here the rate is chosen by the recipe. `Optimizer: SGD` "
            "with this is as it was there"
        )
        draft.lose(f"Trains.{key}", config.take("Trains", key), why)
    for key in ("PreprocessCollapseRepeated", "CTCMergeRepeated"):
        why = "CTC here is the standard one: labels keep their repeated symbols, and equal frames are merged"
        draft.lose(f"Trains.{key}", config.take("Trains", key), why)


def _model(model: Keys, draft: Draft) -> None:
    draft.carry_text(model, "Model", ("ModelName", "Version", "ModelType", "Sites", "CharExclude", "CharReplace"))
    draft.carry(model, "Model", ("CaseSensitive", "ImageWidth", "ImageHeight"))
    carry_charset(model, ("Model", "CharSet"), 1, draft)
    if draft.values.get("Model", {}).get("CharReplace"):
        draft.change("Model.CharReplace", _DEAD_THERE)
    draft.lose("Model.SplitChar", model.take("Model", "SplitChar"), "requests say themselves how texts are joined")


def _pretreatment(model: Keys, draft: Draft) -> None:
    for key in ("Binaryzation", "Smoothing", "Blur"):
        value = model.take("Pretreatment", key)
        draft.put("Pretreatment", key, off_below_one(value))
    draft.carry(model, "Pretreatment", ("Resize", "ReplaceTransparent"))
    if "ReplaceTransparent" not in draft.values.get("Pretreatment", {}):
        draft.change("Pretreatment.ReplaceTransparent", "is on unless it is switched off; there it was off")


def off_below_one(value: object) -> object:
    """Return -1 for a whole number that switches a step off, else the value."""
    return -1 if isinstance(value, int) and value < 1 else value
