"""`rtsdb average`: the mean of several runs' weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rtsdb.cli.console import print_written
from rtsdb.optional import load_package


def average(
    weights: Annotated[
        list[Path],
        typer.Argument(help=".safetensors files of one network; one named twice counts twice."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .safetensors file to write.")],
    segmenters: Annotated[
        Path | None,
        typer.Option(help="Take the segmenters from this .safetensors file, as they are."),
    ] = None,
) -> None:
    """Average the weights of runs that share a start: often better than any of them.

    `rtsdb average before.safetensors runs/mine/weights.safetensors -o mine.safetensors` is half
    way from the weights that a run began with to those it ended with. `rtsdb eval --root CamVid
    --model mine.safetensors` tells which are best.
    """
    load_package("torch", extra="train")
    from rtsdb.errors import UsageError
    from rtsdb.files import check_writable
    from rtsdb.models.checkpoint import save_weights
    from rtsdb.training.average import average_weights

    if output.suffix != ".safetensors":
        raise UsageError(f"--output {output}: give a name that ends in .safetensors")
    check_writable(output, "--output")
    net, metadata = average_weights(weights, segmenters)
    save_weights(net, output, metadata)
    print_written(f"{metadata.preset} K={net.stages}", output)
