"""`rtsdb eval`: how good a network is, and its peers."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.columns import Columns
from rich.console import Console
from rich.table import Table

from rtsdb.cli.console import print_written, progress_bar

if TYPE_CHECKING:
    from rtsdb.evaluation import report


def evaluate(
    root: Annotated[Path, typer.Option(help="Folder of the data set.")],
    model: Annotated[
        str, typer.Option(help="Shipped preset (rt), or your .onnx or .safetensors file.")
    ] = "rt",
    engine: Annotated[
        str, typer.Option(help="As for rtsdb run; torch needs one pass for all blocks.")
    ] = "auto",
    precision: Annotated[str, typer.Option(help="As for rtsdb run.")] = "auto",
    dataset: Annotated[str, typer.Option(help="camvid or cityscapes.")] = "camvid",
    split: Annotated[str, typer.Option(help="val, test or train.")] = "val",
    sequences: Annotated[
        str | None,
        typer.Option(help="Only frames whose names begin with one of these: 0001TP,0006R0."),
    ] = None,
    enlarge: Annotated[
        int, typer.Option(help="Measure on frames of so many times their size.", min=1, max=8)
    ] = 1,
    noise: Annotated[
        str,
        typer.Option(
            help="Kinds of noise, as rtsdb run --simulate-noise has them, with commas; the clean "
            "input is always measured too."
        ),
    ] = "awgn:25,awgn:50",
    stages: Annotated[
        str | None, typer.Option(help="Numbers of blocks K, such as 1,2,3. Default: all.")
    ] = None,
    convention: Annotated[
        str, typer.Option(help="8bit: clip(round(x + n)); float: x + n (with --engine torch).")
    ] = "8bit",
    sigma: Annotated[
        str, typer.Option(help="Noise level that is told: known (the true one) or auto.")
    ] = "known",
    peers: Annotated[
        str,
        typer.Option(
            help="Any of nlm, ffmpeg-nlmeans, ffmpeg-bm3d, ffmpeg-atadenoise, ffdnet, with commas."
        ),
    ] = "",
    preset: Annotated[
        str | None,
        typer.Option(help="Run the weights as this one, such as rt-truth (with --engine torch)."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="At most so many frames, evenly spread.", min=1)
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write OUTPUT.json and OUTPUT.md.", metavar="OUTPUT")
    ] = None,
    figure: Annotated[
        Path | None, typer.Option(help="Draw quality against K, and six frames, as .png.")
    ] = None,
) -> None:
    """Measure PSNR, SSIM, mIoU and time on a data set; Ctrl-C reports what there is so far.

    The noise is the same on every run. Example: `rtsdb eval --root CamVid --noise
    awgn:25,lowlight:8x --peers nlm,ffmpeg-bm3d --output results/quality`.
    """
    from rtsdb.data.datasets import parse_sequences
    from rtsdb.evaluation.command import EvalRequest, run_evaluation
    from rtsdb.evaluation.report import class_table, files_of, quality_table

    request = EvalRequest(
        model=model,
        preset=preset,
        engine=engine,
        precision=precision,
        dataset=dataset,
        root=root,
        split=split,
        sequences=parse_sequences(sequences),
        enlarge=enlarge,
        noise=noise,
        stages=stages,
        convention=convention,
        sigma=sigma,
        peers=peers,
        limit=limit,
        output=output,
        figure=figure,
        command=shlex.join(["rtsdb", *sys.argv[1:]]),
    )
    with progress_bar() as bar:
        task = bar.add_task("opening", total=None)
        measured, write = run_evaluation(
            request,
            start=lambda total: bar.update(task, total=total),
            advance=lambda what: bar.update(task, advance=1, description=what),
        )
    out = Console()
    out.print(_shown(quality_table(measured)))
    out.print(Columns([_shown(class_table(measured, [noise])) for noise in measured.noises]))
    for note in measured.notes:
        out.print(note, markup=False)
    write()
    if output is not None:
        print_written("report", *files_of(output))
    if measured.verdict.interrupted:
        raise typer.Exit(130)
    if figure is not None:
        print_written("figure", figure)


def _shown(scores: report.Table) -> Table:
    """A table for the terminal: names to the left, numbers to the right."""
    table = Table(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    for place, heading in enumerate(scores.headings):
        name = place < scores.names
        table.add_column(
            heading, justify="left" if name else "right", no_wrap=name, overflow="fold"
        )
    for row in scores.rows:
        table.add_row(*row)
    return table
