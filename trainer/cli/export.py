"""`python -m trainer export`: make the artifact again from the best weights of a run."""

import argparse
from pathlib import Path

from trainer import config as configs
from trainer.dataset import pack, quarantine
from trainer.export.runtimes import Format
from trainer.framework import hide_gpus, import_keras
from trainer.progress import Terminal
from trainer.run import run_of

SUMMARY = "export the best weights of a run and prove the result"
EXAMPLE = "python -m trainer export configs/model.yaml --format onnx,savedmodel,tflite"

FORMATS: tuple[Format, ...] = ("onnx", "savedmodel", "tflite")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", type=Path, help="the training config")
    parser.add_argument(
        "--format",
        type=_formats,
        default=(),
        metavar="NAMES",
        help=f"for other runtimes too: {', '.join(FORMATS)}, or several with commas between. All take pixels uint8 "
        "[N, H, W, C] as the contract prepares them, never picture files, whose decoding would differ between "
        "runtimes, and give logits float32 [N, T, K]. The SavedModel's signature serving_default (pixels) gives "
        "symbols and texts too; TFLite reads one picture at a time",
    )
    parser.add_argument("--exclude", type=Path, metavar="FILE", help="the list that the set was packed without")


def run(arguments: argparse.Namespace) -> int:
    """Export, and say what came of it."""
    config, exclude = configs.read(arguments.config), quarantine.read(arguments.exclude)
    hide_gpus()
    import_keras()
    from trainer.training import story  # noqa: PLC0415 - it imports keras

    folder = run_of(config.Model)
    progress = Terminal()
    packed = pack.prepare(config, progress, exclude)
    with folder.alone():
        exported = story.export(config, packed, folder, progress, arguments.format)
    files = [folder.graph, folder.spec, *map(folder.in_format, arguments.format)]
    print("\n".join([exported.finding, str(exported.score), *map(str, files)]))  # noqa: T201 - the result
    return 0


def _formats(text: str) -> tuple[Format, ...]:
    names = text.split(",")
    unknown = sorted({*names} - {*FORMATS})
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: the formats are {', '.join(FORMATS)}")
    return tuple(name for name in FORMATS if name in names)
