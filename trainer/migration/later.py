"""The later generation of captcha_trainer (2020 to 2022): projects/<name>/model.yaml."""

from collections.abc import Mapping
from pathlib import PurePath, PureWindowsPath

from contract.spec import MAX_POSITIONS
from trainer.migration.charset import carry_charset
from trainer.migration.draft import Draft, Keys
from trainer.migration.early import off_below_one

CNN = {"CNN5": "CNN5", "DenseNet": "DenseNet"}
RECURRENT = {
    "NoRecurrent": "None",
    "LSTM": "LSTM",
    "BiLSTM": "BLSTM",
    "LSTMcuDNN": "LSTM",
    "BiLSTMcuDNN": "BLSTM",
    "GRU": "GRU",
    "BiGRU": "BGRU",
    "GRUcuDNN": "GRU",
}

# Its optimizers as `Trains.Optimizer` has them. Keras has neither RAdam, which was its default, nor AdaBound.
OPTIMIZERS = {
    "Adam": "Adam",
    "Momentum": "{Name: SGD}",
    "SGD": "{Name: SGD, Momentum: 0.0, Nesterov: false}",
    "AdaGrad": "Adagrad",
    "RMSProp": "RMSprop",
}

# In labels of its ARITHMETIC sets; in one of them x is a letter too.
_REWRITTEN = {"\N{FULLWIDTH QUESTION MARK}": "?", " ": ""}

# Keys without a counterpart, and why.
LOST: Mapping[tuple[str, ...], str] = {
    ("System", "Version"): "the generation of the file; configs here have none",
    ("NeuralNet", "OutputLayer", "Decoder"): "CTC is decoded greedily here, as it was there",
    ("Model", "ModelField"): "models here read pictures",
    ("Model", "ModelScene"): "models here read text",
    ("FieldParam", "MinLabelNum"): "labels may have any length",
    ("FieldParam", "AutoPadding"): "labels may have any length",
    ("FieldParam", "OutputSplit"): "requests say themselves how texts are joined",
    ("FieldParam", "CategorySplit"): "a symbol is one character here",
    ("Label", "LabelSplit"): "a symbol is one character here",
    ("Pretreatment", "HorizontalStitching"): "this step cannot be done here; prepare the pictures before",
    ("Pretreatment", "ConcatFrames"): "frames are not joined here; Pretreatment.AnimatedFrame chooses one",
    ("Pretreatment", "BlendFrames"): "frames are not blended here; Pretreatment.AnimatedFrame chooses one",
    ("Pretreatment", "ExecuteMap"): "configs here hold no program",
}


def migrate(model: Keys, draft: Draft) -> None:
    """Fill a draft from the file."""
    _model(model, draft)
    _sources(model, draft)
    _neural_net(model, draft)
    _trains(model, draft)
    _pretreatment(model, draft)
    for path, why in LOST.items():
        draft.lose(".".join(path), model.take(*path), why)


def _model(model: Keys, draft: Draft) -> None:
    draft.carry_text(model, "Model", ("ModelName", "Version", "ModelType", "Sites"))
    _arithmetic(model, draft)
    carry_charset(model, ("FieldParam", "Category"), 2, draft)
    sizes = {key: model.take("FieldParam", key) for key in ("ImageWidth", "ImageHeight")}
    for key, value in sizes.items():
        draft.put("Model", key, value)
    draft.put("Pretreatment", "ImageChannel", model.take("FieldParam", "ImageChannel"))
    match model.take("FieldParam", "Resize"), *sizes.values():
        case [-1, int(height)], int(width), int(full_height) if full_height > 0:
            resize = [max(1, round(width * height / full_height)), height]
            draft.put("Pretreatment", "Resize", resize)
            draft.put("Pretreatment", "Fit", "pad")
            told = f"the width was free; here every picture is brought to {resize[0]}x{height}, its ratio kept"
            draft.change("Pretreatment.Resize", told)
        case resize, _, _:
            draft.put("Pretreatment", "Resize", resize)


def _arithmetic(model: Keys, draft: Draft) -> None:
    """Carry over how labels were rewritten there; names of files cannot hold every sign."""
    category = model.peek("FieldParam", "Category")
    if isinstance(category, str) and "ARITHMETIC" in category:
        signs = _REWRITTEN if "ALPHA" in category else {"x": "\N{MULTIPLICATION SIGN}", **_REWRITTEN}
        draft.put("Model", "CharReplace", signs)
        draft.change("Model.CharReplace", f"labels were rewritten so there, whatever the file said ({category})")


def _sources(model: Keys, draft: Draft) -> None:
    """Take the folders of pictures if there are any, else the packed files."""
    source, packed = (
        {side: model.take("Trains", kind, side) or None for side in ("Training", "Validation")}
        for kind in ("SourcePath", "DatasetPath")
    )
    regex, kind = model.take("Label", "ExtractRegex"), model.take("Label", "LabelFrom")
    draft.put("System", "TrainRegex", regex)
    if kind == "TXT":
        source = {side: _label_files(paths, side) for side, paths in source.items()}
        draft.change("System.TrainsPath", "names the label files of LabelFrom: TXT; they name the pictures")
    elif kind not in (None, "FileName"):
        draft.lose("Label.LabelFrom", kind, "labels come from file names and label files here")
    taken = source if source["Training"] else packed
    if taken is source:
        for side, paths in packed.items():
            draft.lose(f"Trains.DatasetPath.{side}", paths, "`train` packs the pictures itself, into dataset/")
    elif source["Validation"]:
        draft.lose("Trains.SourcePath.Validation", source["Validation"], "there is no SourcePath.Training beside it")
    draft.put("System", "TrainsPath", taken["Training"])
    draft.put("System", "TestPath", taken["Validation"])
    _test_set(model, draft)


def _test_set(model: Keys, draft: Draft) -> None:
    count = model.take("Trains", "ValidationSetNum")
    if isinstance(count, int) and count > 0:
        draft.put("System", "TestSetNum", count)
    else:
        draft.lose("Trains.ValidationSetNum", count, "every model is tested here; a tenth is set aside")


def _label_files(paths: object, side: str) -> object:
    """Return where the label file is for each folder of pictures: beside it."""
    name = {"Training": "train.txt", "Validation": "val.txt"}[side]
    if not isinstance(paths, str | list):
        return paths
    files = (str(_pure(str(path)).parent / name) for path in ([paths] if isinstance(paths, str) else paths))
    return list(dict.fromkeys(files))


def _pure(path: str) -> PurePath:
    return PureWindowsPath(path) if "\\" in path else PurePath(path)


def _neural_net(model: Keys, draft: Draft) -> None:
    draft.put("System", "DeviceUsage", model.take("System", "MemoryUsage"))
    if "DeviceUsage" in draft.values.get("System", {}):
        draft.change("System.DeviceUsage", "is MemoryUsage, which had no effect there; it has one here")
    cnn = str(model.take("NeuralNet", "CNNNetwork") or "CNN5")
    recurrent = str(model.take("NeuralNet", "RecurrentNetwork") or "NoRecurrent")
    draft.put("NeuralNet", "CNNNetwork", CNN.get(cnn, "CNN5"))
    if cnn != "CNN5":
        draft.change("NeuralNet.CNNNetwork", f"{cnn} was another network there; here it is {CNN.get(cnn, 'CNN5')}")
    draft.put("NeuralNet", "RecurrentNetwork", RECURRENT.get(recurrent, "BLSTM"))
    if recurrent not in RECURRENT:
        draft.change("NeuralNet.RecurrentNetwork", f"{recurrent} is not there here; BLSTM takes its place")
    draft.put("NeuralNet", "HiddenNum", model.take("NeuralNet", "UnitsNum"))
    _head(model, draft)
    _optimizer(model, draft)


def _optimizer(model: Keys, draft: Draft) -> None:
    given = model.take("NeuralNet", "Optimizer")
    ours = OPTIMIZERS.get(str(given))
    back = f"`Trains.Optimizer: {ours}` has it" if ours else "Keras has none of that name"
    draft.lose("NeuralNet.Optimizer", given, f"AdamW with warm-up and cosine takes its place; {back}")


def _head(model: Keys, draft: Draft) -> None:
    loss = model.take("NeuralNet", "OutputLayer", "LossFunction")
    longest = model.take("FieldParam", "MaxLabelNum")
    if loss == "CrossEntropy" and isinstance(longest, int) and 1 <= longest <= MAX_POSITIONS:
        draft.put("NeuralNet", "Head", loss)
        draft.put("NeuralNet", "MaxLabelNum", longest)
        draft.change("NeuralNet.Head", "shorter labels are padded behind their last symbol; there before the first")
        return
    draft.lose("FieldParam.MaxLabelNum", longest, "labels may have any length that fits the width; `verify` checks it")
    if loss != "CTC":
        why = f"CrossEntropy needs a MaxLabelNum of 1 to {MAX_POSITIONS}; with CTC labels may have any length"
        draft.lose("NeuralNet.OutputLayer.LossFunction", loss, why)


def _trains(model: Keys, draft: Draft) -> None:
    draft.carry(
        model,
        "Trains",
        ("SavedSteps", "ValidationSteps", "EndAcc", "EndCost", "EndEpochs", "BatchSize", "LearningRate"),
    )
    draft.put("Trains", "TestBatchSize", model.take("Trains", "ValidationBatchSize"))
    if "EndAcc" in draft.values.get("Trains", {}):
        draft.change("Trains.EndAcc", "is compared with the whole test set, no longer with one batch of it")
    for path, value in model.rest():
        if path[0] == "DataAugmentation":
            model.take(*path)
            draft.lose(".".join(map(str, path)), value, "Trains.Augment varies the pictures as a whole")


def _pretreatment(model: Keys, draft: Draft) -> None:
    value = model.take("Pretreatment", "Binaryzation")
    draft.put("Pretreatment", "Binaryzation", off_below_one(value))
    draft.carry(model, "Pretreatment", ("ReplaceTransparent",))
