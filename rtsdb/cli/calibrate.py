"""`rtsdb calibrate`: a network in INT8, if it loses little enough."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from rtsdb.cli.console import print_written, progress_bar

if TYPE_CHECKING:
    from rtsdb.quantization.command import Calibration


def calibrate(
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="Write OUTPUT.int8.onnx, OUTPUT.int8-fp32.onnx, OUTPUT.int8.json.",
        ),
    ],
    source: Annotated[
        str | None, typer.Option(help="Clean video, camera or images to take frames from.")
    ] = None,
    dataset: Annotated[str, typer.Option(help="camvid or cityscapes.")] = "camvid",
    root: Annotated[
        Path | None, typer.Option(help="Folder of the data set, in place of --source.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="Shipped preset (rt), or your .onnx file with its .fp16.onnx.")
    ] = "rt",
    stages: Annotated[
        int,
        typer.Option(
            help="Blocks K: 1 is fastest, 3 is best. An .onnx file has its own.", min=1, max=3
        ),
    ] = 1,
    max_psnr_loss: Annotated[
        float,
        typer.Option(help="dB of PSNR (up to 48) that may be lost at any kind of noise.", min=0),
    ] = 0.15,
    max_miou_loss: Annotated[
        float, typer.Option(help="Points of mIoU that may be lost at any kind of noise.", min=0)
    ] = 1.0,
) -> None:
    """Quantise a network to INT8 with frames like those it is for.

    Layers that cost too much stay in float. When too few are left, nothing is written, and the
    costliest are named. Examples: `rtsdb calibrate --root CamVid --stages 3 -o calib/rt-k3`;
    `rtsdb calibrate --source drive.mp4 --model mine.onnx -o calib/mine`.
    """
    from rtsdb.errors import UsageError
    from rtsdb.quantization.accuracy import Bars
    from rtsdb.quantization.command import CalibrateRequest, run_calibration

    if (source is None) == (root is None):
        raise UsageError("give the frames to calibrate with: either --source or --root")
    request = CalibrateRequest(
        model=model,
        stages=stages,
        source=source,
        dataset=dataset,
        root=root,
        output=output,
        bars=Bars(max_psnr_loss, max_miou_loss),
        command=shlex.join(["rtsdb", *sys.argv[1:]]),
    )
    with progress_bar() as bar:
        task = bar.add_task("opening", total=None)
        made = run_calibration(
            request,
            report=lambda what, done, total: bar.update(
                task, description=what, completed=done, total=total
            ),
        )
    Console().print(_table(made))
    print_written("written", *made.written)


def _table(made: Calibration) -> Table:
    """Accuracy before and after, one row for every kind of noise."""
    found = made.found
    table = Table(
        title=f"{made.label}, ranges by {found.method}",
        caption=(
            f"in float: {len(found.few_channels)} convolutions of few channels or joined inputs, "
            f"{len(found.sensitive())} sensitive ones, {len(found.float_skips())} skip connections"
        ),
    )
    table.add_column("noise", no_wrap=True)
    for measure in ("PSNR", "mIoU"):
        for precision in found.accuracy:
            table.add_column(f"{measure}\n{precision}", justify="right")
    for noise in found.accuracy["fp32"]:
        row = [accuracy[noise] for accuracy in found.accuracy.values()]
        psnr = [f"{accuracy.psnr:.2f}" for accuracy in row]
        miou = ["-" if accuracy.miou is None else f"{accuracy.miou:.1f}" for accuracy in row]
        table.add_row(noise, *psnr, *miou)
    return table
