"""`rtsdb import-weights`: the authors' published checkpoints as one weights file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rtsdb.cli.console import print_written
from rtsdb.optional import load_package


def import_weights(
    checkpoints: Annotated[
        list[Path],
        typer.Argument(help="One file per part, in order: s.pth sd.pth sds.pth sdsd.pth ..."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .safetensors file to write.")],
    preset: Annotated[str, typer.Option(help="Network: sdabn.")] = "sdabn",
    classes: Annotated[
        str, typer.Option(help="What the segmenters tell apart: cityscapes or camvid.")
    ] = "cityscapes",
) -> None:
    """Read the checkpoints that the authors of SDABN published (tensors only; no code is run)."""
    load_package("torch", extra="train")
    from rtsdb.classes import CLASS_SETS
    from rtsdb.errors import UsageError
    from rtsdb.files import check_writable
    from rtsdb.models.checkpoint import save_weights
    from rtsdb.models.metadata import Metadata
    from rtsdb.models.published import read_published

    if preset != "sdabn":
        raise UsageError(f"--preset {preset}: only sdabn has published checkpoints")
    if classes not in CLASS_SETS:
        raise UsageError(f"--classes {classes}: choose one of: {', '.join(CLASS_SETS)}")
    if output.suffix != ".safetensors":
        raise UsageError(f"--output {output}: give a name that ends in .safetensors")
    check_writable(output, "--output")
    net = read_published(checkpoints, CLASS_SETS[classes])
    data = f"published: {', '.join(path.name for path in checkpoints)}"
    save_weights(net, output, Metadata(preset, net.stages, classes, data))
    print_written(f"{preset} K={net.stages}", output)
