"""The text of a config: every key with a comment, whoever fills it in."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from contract.charset import BUILT_IN
from trainer.config.system import SYNTHETIC
from trainer.dataset.propose import Proposal

# Lines of keys are `  key: value    # comment`; a key behind # has its default.
TEMPLATE = """\
System:
  TrainsPath: data/mine    # a folder and those in it, a .zip, .csv, .tsv, .txt, .tfrecords, a list; or synthetic
  TrainRegex: '.*?(?=_)'    # the first match in a file's name is its label
  TestPath:    # pictures to test on; empty: some of TrainsPath are set aside, never trained on
  # TestRegex:    # as TrainRegex, for TestPath; default: TrainRegex
  # TestSetNum: 1000    # how many are set aside; default: a tenth
  # Seed: 0    # of everything random in training
  # DeviceUsage: 0.7    # share of the GPU's memory to take; default: as much as is needed
  # Threads: 2    # CPU threads to use; default: all
  # Deterministic: false    # true gives the same weights each time, bit for bit; slower

Synthetic:
  # Length: 4    # with TrainsPath: synthetic, symbols in a drawn label: a number, or [shortest, longest]
  # Fonts: []    # ... files of fonts to draw with; default: the DroidSansMono of the package captcha
  # FontSizes: [42, 50, 56]    # ... in pixels; default: these, less for pictures lower than 60
  # Epoch: 20000    # ... pictures that count as an epoch; no two are the same
  # Curriculum: 0    # ... pictures at the start with some 100 of the symbols; default: only with over 300
  # Workers: 2    # ... processes that draw; default: one for each core

NeuralNet:
  CNNNetwork: CNN5    # CNN5; DenseNet, larger and slower; or VGG, which section VGG lays out; see docs/CONFIG.md
  # Geometry: wide    # of CNN5: a frame for each 4 pixels of width; seed: for each 16, as captcha_trainer had
  # DenseNet: {Stem: 64, Growth: 18, Blocks: [8, 8, 8], Transitions: [128, 128]}    # filters, and layers of each block
  # VGG: {Blocks: [{Filters: [32, 32]}, {Filters: [64, 64]}]}    # a plan for VGG; default: four blocks, docs/CONFIG.md
  RecurrentNetwork: BLSTM    # BLSTM and BGRU read in both directions, LSTM and GRU in one; None
  # RecurrentLayers: 1    # 1 or 2
  HiddenNum: 64    # units in each direction; fewer make a smaller model
  # Head: CTC    # texts of any length; CrossEntropy has a classifier for each position instead
  # MaxLabelNum: 4    # CrossEntropy needs it, CTC takes none: how many positions; shorter texts are padded
  # Dense: []    # ... units of layers that all positions share
  # DensePerPosition: []    # ... and of layers behind them that each position has for itself
  # DenseKeepProb: 1.0    # ... share of features that dropout keeps behind each of these
  # KeepProb: 1.0    # share of features that dropout keeps in training

Trains:
  # BatchSize: 64    # pictures per step; default: 32 for sets of less than 4,000 pictures, else 64
  # TestBatchSize: 400    # pictures per batch when the test set is read
  # EndAcc: 0.99    # stop at this whole-text accuracy on the test set; default: go on to MaxEpochs
  # EndCost: 1.0    # ... and only while the mean loss is at most this; alone it ends training too; default: none
  # EndEpochs: 1    # EndAcc and EndCost, of which it needs one, count from this epoch on
  # MaxEpochs: 40    # default: chosen by the size of the set and the number of symbols
  # MaxMinutes: 30    # stop after so long, with the best weights; default: no limit
  # Patience: 10    # stop after so many tests without a better one; default: no limit
  # SavedSteps: 100    # steps between two checkpoints
  # ValidationSteps: 500    # steps between two tests; default: each epoch, at most about twenty in all
  # Optimizer: AdamW    # or Adam, RMSprop, Adagrad, Adadelta, SGD, or a section with its numbers: docs/CONFIG.md
  # LearningRate: 0.002    # the largest; default: chosen by the recipe, with a warm-up and a cosine down to nothing
  # DecayRate: 0.98    # default: the cosine. Else multiply the rate by this; 1 alone keeps it as it is ...
  # DecaySteps: 10000    # ... each time so many steps are done
  # DecayPatience: 3    # ... or each time so many tests in a row were no better
  # WeightDecay: 0.01    # pull of the weights towards zero; default: 0.01 with AdamW, else 0
  # ClipNorm: 1.0    # longest gradient, longer ones are shortened; off takes them as they are
  # EMA: 0.978    # momentum of the average of the weights, which is tested and exported; off takes the newest weights
  # Precision: auto    # float32 or bfloat16; auto takes bfloat16 where it is the faster one
  # AuxiliaryLoss: true    # with CTC, until symbols are known: also learn what is seen where; false for CTC alone
  # PrimerSteps: 0    # with CTC, steps with drawn letters before all others; default: 500 with over 100 symbols
  # Jit: false    # compile the training step with XLA: slower on CPUs
  # Augment: auto    # vary the pictures: off, light, strong, auto by the size of the set, or {Preset: light, Rotate: 3}

Export:
  # Precision: float32    # bfloat16: half the size and faster on newer CPUs, refused if less accurate; auto tries it
  # Golden: 8    # test pictures put into the model's YAML as its proof; 0 for none

Model:
  ModelName: mine    # names the run, the packed set and the exported files
  Version: '1.0'    # a higher one takes the place of a lower one while the platform runs
  ModelType: ''    # a category that requests can name
  Sites: []    # names of sites that requests can name
  CharSet: NUMERIC    # NUMERIC, ALPHANUMERIC, ALPHABET, ..., all listed in docs/CONFIG.md; or the symbols
  CharExclude: []    # symbols to leave out of it
  CharReplace: {}    # text to put in place of other text in labels, such as {'0': 'o'}
  # CaseSensitive: true    # false folds labels to lower case; a set that is called _LOWER or _UPPER folds them itself
  ImageWidth: 160    # of the pictures in pixels; requests are routed by it
  ImageHeight: 60

Pretreatment:
  ImageChannel: 1    # 1 gray, 3 colour
  # Resize: [160, 60]    # [width, height] that the network sees; default: as the pictures are
  Binaryzation: -1    # 1 to 254: values above become white, others black; -1 off
  Smoothing: -1    # size of a median filter in pixels; -1 off
  Blur: -1    # size of a Gaussian filter in pixels; -1 off
  # ReplaceTransparent: true    # put transparent pictures onto white
  # Fit: stretch    # pad keeps the ratio of pictures of other sizes
  # AnimatedFrame: 0    # which frame of animated pictures holds the text, 0 the first; default: an error
"""

HEADER = """\
# {name}: {pictures:,} pictures of {width}x{height}, labels of {lengths} out of {symbols}.
# Proposed by `python -m trainer init {folder}`. Look it over, then:
#
{commands}

"""

COMMANDS = """\
#   python -m trainer verify {file}     check every picture and label
#   python -m trainer train {file}      pack, train, test, export to out/{name}
#   python -m trainer publish {file}    hand the model to the running platform
#
# Paths are relative to the folder that the commands run in. A key behind # has its default: the one that its comment
# names, or else the value shown.
"""

Values = Mapping[str, Mapping[str, object]]

_SECTION = re.compile(r"(\w+):$")
_KEY = re.compile(r"  (?P<mark>(?:# )?)(?P<key>\w+):.*?(?P<comment>    # .*)?$")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 ._-]*")
_NOT_TEXT = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false", "null"})  # what YAML reads as no text


def render(proposal: Proposal, name: str, folder: Path, file: Path) -> str:
    """Return the text of a config.

    Args:
        proposal: what the folder holds.
        name: for `ModelName`.
        folder: of the pictures.
        file: where the text will stand; the commands in its header name it.
    """
    width, height = proposal.size
    header = HEADER.format(
        name=name,
        pictures=proposal.pictures,
        width=width,
        height=height,
        lengths=proposal.lengths_text,
        symbols=len(proposal.symbols),
        folder=folder.as_posix(),
        commands=commands(file, name),
    )
    return header + fill(
        {
            "System": {"TrainsPath": _as_place(folder), "TrainRegex": proposal.regex},
            "NeuralNet": {"HiddenNum": proposal.hidden},
            "Model": {
                "ModelName": name,
                "ModelType": f"{width}x{height}",
                "CharSet": proposal.charset,
                "ImageWidth": width,
                "ImageHeight": height,
            },
            "Pretreatment": {
                "ImageChannel": proposal.channels,
                "Resize": proposal.resize and list(proposal.resize),
                "Fit": "pad" if proposal.fit == "pad" else None,
                "ReplaceTransparent": None if proposal.on_white else False,
            },
        },
        defaults={"Pretreatment": {"Resize": [width, height]}},
    )


def _as_place(folder: Path) -> str:
    place = folder.as_posix()
    return f"./{place}" if place == SYNTHETIC else place  # the bare word has pictures drawn


def commands(file: Path, name: str) -> str:
    """Return the part of a header that says what to do with a config."""
    return COMMANDS.format(file=file.as_posix(), name=name).rstrip("\n")


def fill(values: Values, defaults: Values = MappingProxyType({})) -> str:
    """Return the template with these values.

    Args:
        values: by section and key; keys that are not there keep what the template says, as do those behind # for None.
        defaults: what keys behind # show instead of the template's.
    """
    lines, section = [], ""
    for line in TEMPLATE.splitlines():
        heading, key = _SECTION.match(line), _KEY.match(line)
        section = heading[1] if heading else section
        if key:
            line = _filled(key, values.get(section, {}), defaults.get(section, {}))  # noqa: PLW2901 - the line, filled in
        lines.append(line)
    return "\n".join(lines) + "\n"


def _filled(line: re.Match[str], values: Mapping[str, object], defaults: Mapping[str, object]) -> str:
    mark, key, comment = line["mark"], line["key"], line["comment"] or ""
    if key in values and not (mark and values[key] is None):
        mark, value = "", values[key]
    elif mark and key in defaults:
        value = defaults[key]
    else:
        return line[0]
    text = "" if value is None else as_yaml(value)
    return f"  {mark}{key}:{' ' if text else ''}{text}{comment}"


def as_yaml(value: object) -> str:
    """Return a value on one line of YAML, so that it reads back as the same value of the same type."""
    match value:
        case None:
            text = "null"
        case bool():
            text = "true" if value else "false"
        case str():
            text = _text(value)
        case float():
            text = repr(value)
            if "e" in text and "." not in text:
                text = text.replace("e", ".0e")  # YAML takes 1e-05 for text
        case list() | tuple():
            text = f"[{', '.join(map(as_yaml, value))}]"
        case Mapping():
            text = "{" + ", ".join(f"{as_yaml(key)}: {as_yaml(item)}" for key, item in value.items()) + "}"
        case _:
            text = str(value)
    return text


def _text(text: str) -> str:
    if text in BUILT_IN or (_PLAIN.fullmatch(text) and not text.endswith(" ") and text.lower() not in _NOT_TEXT):
        return text
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in text) + '"'
