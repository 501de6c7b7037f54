"""The config that `init` writes: every key with a comment, filled in from a proposal."""

import json
from pathlib import Path

from contract.charset import BUILT_IN
from trainer.dataset.propose import Proposal

TEMPLATE = """\
# {name}: {pictures:,} pictures of {width}x{height}, labels of {lengths} out of {symbols}.
# Proposed by `python -m trainer init {folder}`. Look it over, then:
#
#   python -m trainer verify {file}     check every picture and label
#   python -m trainer train {file}      pack, train, test, export to out/{name}
#   python -m trainer publish {file}    hand the model to the running platform
#
# Paths are relative to the folder that the commands run in. A key behind # has its default: the one that its comment
# names, or else the value shown.

System:
  TrainsPath: {trains_path}    # a folder and those in it, a .zip, .csv, .tsv, .txt, .tfrecords, or a list of them
  TrainRegex: {regex}    # the first match in a file's name is its label
  TestPath:    # pictures to test on; empty: some of TrainsPath are set aside, never trained on
  # TestRegex:    # as TrainRegex, for TestPath; default: TrainRegex
  # TestSetNum: 1000    # how many are set aside; default: a tenth
  # Seed: 0    # of everything random in training
  # DeviceUsage: 0.7    # share of the GPU's memory to take; default: as much as is needed
  # Threads: 2    # CPU threads to use; default: all

NeuralNet:
  CNNNetwork: CNN5    # CNN5, or DenseNet: larger and slower
  # Geometry: wide    # of CNN5: a frame for each 4 pixels of width; seed: for each 16, as captcha_trainer had
  RecurrentNetwork: BLSTM    # BLSTM reads in both directions, LSTM in one
  # RecurrentLayers: 1    # 1 or 2
  HiddenNum: 64    # units in each direction; fewer make a smaller model
  # KeepProb: 1.0    # share of features that dropout keeps in training

Trains:
  BatchSize: 64    # pictures per step
  # TestBatchSize: 400    # pictures per batch when the test set is read
  # EndAcc: 0.99    # stop at this whole-text accuracy on the test set; default: go on while it gets better
  # EndEpochs: 1    # ... but not before this epoch
  # MaxEpochs: 40    # default: chosen by the size of the set
  # MaxMinutes: 30    # stop after so long, with the best weights; default: no limit
  # Patience: 10    # stop after so many tests without a better one; default: no limit
  # SavedSteps: 100    # steps between two checkpoints
  # ValidationSteps: 500    # steps between two tests; default: one for each epoch
  # LearningRate: 0.001    # default: chosen by the recipe, with a warm-up and a cosine down to nothing
  # DecayRate: 0.98    # with DecaySteps: multiply the rate by this ...
  # DecaySteps: 10000    # ... each time so many steps are done, instead of the cosine
  # Precision: auto    # float32 or bfloat16; auto takes bfloat16 where it is the faster one
  # Augment: auto    # vary the pictures in training: off, light, strong, or auto by the size of the set

Model:
  ModelName: {name}    # names the run, the packed set and the exported files
  Version: '1.0'    # a higher one takes the place of a lower one while the platform runs
  ModelType: {width}x{height}    # a category that requests can name
  Sites: []    # names of sites that requests can name
  CharSet: {charset}    # NUMERIC, ALPHANUMERIC or ALPHABET, the last two also with _LOWER or _UPPER, or the symbols
  CharExclude: []    # symbols to leave out of it
  CharReplace: {{}}    # text to put in place of other text in labels, such as {{'0': 'o'}}
  # CaseSensitive: true    # false folds labels to lower case
  ImageWidth: {width}    # of the pictures in pixels; requests are routed by it
  ImageHeight: {height}

Pretreatment:
  ImageChannel: {channels}    # 1 gray, 3 colour
  {resize}    # [width, height] that the network sees; default: as the pictures are
  Binaryzation: -1    # 1 to 254: values above become white, others black; -1 off
  Smoothing: -1    # size of a median filter in pixels; -1 off
  Blur: -1    # size of a Gaussian filter in pixels; -1 off
  # ReplaceTransparent: true    # put transparent pictures onto white
  # Fit: stretch    # pad keeps the ratio of pictures of other sizes
"""


def render(proposal: Proposal, name: str, folder: Path, file: Path) -> str:
    """Return the text of a config.

    Args:
        proposal: what the folder holds.
        name: for `ModelName`.
        folder: of the pictures.
        file: where the text will stand; the commands in its header name it.
    """
    width, height = proposal.size
    charset = proposal.charset
    resize = proposal.resize
    return TEMPLATE.format(
        name=name,
        pictures=proposal.pictures,
        width=width,
        height=height,
        lengths=proposal.lengths_text,
        symbols=len(proposal.symbols),
        folder=folder.as_posix(),
        file=file.as_posix(),
        trains_path=_quoted(folder.as_posix()),
        regex=_quoted(proposal.regex),
        charset=_quoted(charset) if isinstance(charset, str) else f"[{', '.join(map(_quoted, charset))}]",
        channels=proposal.channels,
        resize=f"Resize: [{resize[0]}, {resize[1]}]" if resize else f"# Resize: [{width}, {height}]",
    )


def _quoted(text: str) -> str:
    if text in BUILT_IN:
        return text
    return "'" + text.replace("'", "''") + "'" if text.isprintable() else json.dumps(text)
