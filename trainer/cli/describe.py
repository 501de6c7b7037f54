"""`python -m trainer describe`: the network of a config, layer by layer."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from contract.files import write_atomically
from trainer import config as configs
from trainer.config import TrainConfig
from trainer.dataset.scan import scan
from trainer.errors import SourceError
from trainer.framework import hide_gpus, import_keras

if TYPE_CHECKING:
    from trainer.network.summary import Summary

SUMMARY = "show a config's network: shapes, parameters, work of a picture, frames for each symbol"
EXAMPLE = "python -m trainer describe configs/model.yaml --png network.png"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", type=Path, help="the training config; its pictures may be missing")
    parser.add_argument("--png", type=Path, metavar="FILE", help="draw the network, too")


def run(arguments: argparse.Namespace) -> int:
    """Build the network, and show what it is made of."""
    config = configs.read(arguments.config)
    hide_gpus()
    import_keras()
    from trainer.network import drawing  # noqa: PLC0415 - these import keras
    from trainer.network.build import build  # noqa: PLC0415
    from trainer.network.summary import summarize  # noqa: PLC0415

    summary = summarize(build(config))
    console = Console(highlight=False)
    console.print(_table(summary))
    console.print("Outputs are height x width x channels, then frames x features.\n", style="dim")
    console.print(
        f"{summary.parameters:,} parameters, {summary.parameters * 4 / 1e6:.2f} MB in float32; "
        f"{summary.multiply_adds / 1e6:,.1f} million multiply-adds for a picture",
        markup=False,
    )
    console.print(f"{summary.classes:,} classes; {_frames(config, summary.frames)}", markup=False, soft_wrap=True)
    if arguments.png:
        arguments.png.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(arguments.png, drawing.png(summary, config.Model.ModelName))
        console.print(str(arguments.png), markup=False, soft_wrap=True)
    return 0


def _table(summary: "Summary") -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("layer", no_wrap=True)
    for heading in ("output", "parameters", "multiply-adds", "share"):
        table.add_column(heading, justify="right", no_wrap=True)
    whole = summary.multiply_adds or 1
    for line in summary.lines:
        table.add_row(
            f"{line.kind} {line.detail}",
            " x ".join(map(str, line.shape)),
            f"{line.parameters:,}" if line.parameters else "",
            f"{line.multiply_adds:,}" if line.multiply_adds else "",
            f"{line.multiply_adds / whole:.1%}" if line.multiply_adds else "",
        )
    return table


def _frames(config: TrainConfig, frames: int) -> str:
    if config.NeuralNet.MaxLabelNum is not None:
        return f"{frames} positions, for texts of up to so many symbols"
    if config.System.synthetic:
        return _per_symbol(frames, config.Synthetic.lengths[1])
    try:
        longest = max((len(sample.label or "") for sample in scan(config).samples), default=0)
    except SourceError:
        return f"{frames} frames (its pictures are not there to say how long labels are)"
    if not longest:
        return f"{frames} frames (none of its pictures has a label)"
    return _per_symbol(frames, longest)


def _per_symbol(frames: int, longest: int) -> str:
    return f"{frames} frames: {frames / longest:.1f} for each of the {longest} symbols of the longest label"
