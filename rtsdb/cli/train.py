"""`rtsdb train`: a network from a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rtsdb.cli.console import console, progress_bar


def train(
    root: Annotated[Path, typer.Option(help="Folder of the data set.")],
    dataset: Annotated[
        str, typer.Option(help="camvid: `train/*.png`, `trainannot/*.png`.")
    ] = "camvid",
    preset: Annotated[str, typer.Option(help="Network: rt.")] = "rt",
    stages: Annotated[int, typer.Option(help="Blocks K.", min=1, max=3)] = 3,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder of the run: weights, checkpoint, log. Default: runs/rt-k3."),
    ] = None,
    steps: Annotated[int, typer.Option(help="Optimiser steps of the whole run.", min=1)] = 20_000,
    batch: Annotated[int, typer.Option(help="Crops per step.", min=1)] = 4,
    crop: Annotated[int, typer.Option(help="Side of crops, multiple of 32.", min=64)] = 256,
    window: Annotated[
        int, typer.Option(help="Side of the part of a crop on which denoisers learn.", min=32)
    ] = 128,
    lr: Annotated[float, typer.Option(help="Peak learning rate.")] = 1e-3,
    parts: Annotated[
        str, typer.Option(help="all, or only segmenters or denoisers while the rest is frozen.")
    ] = "all",
    seed: Annotated[int, typer.Option(help="Seed of all that is random.")] = 0,
    start: Annotated[
        str | None,
        typer.Option(help="imagenet (pretrained encoder), or a .safetensors file to go on from."),
    ] = None,
    segmenters: Annotated[
        str | None, typer.Option(help="Take the segmenters from this .safetensors file.")
    ] = None,
    street: Annotated[int, typer.Option(help="Drawn street frames to mix in.", min=0)] = 0,
    threads: Annotated[int, typer.Option(help="CPU threads; 0: all cores.", min=0)] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run.")] = False,
) -> None:
    """Train a network; Ctrl-C saves, and --resume goes on exactly where it stopped."""
    from rtsdb.training.command import TrainRequest, run_training

    request = TrainRequest(
        dataset=dataset,
        root=root,
        output=output or Path("runs") / f"{preset}-k{stages}",
        preset=preset,
        stages=stages,
        steps=steps,
        batch=batch,
        crop=crop,
        window=window,
        lr=lr,
        parts=parts,
        segmenters=segmenters,
        seed=seed,
        start=start,
        street=street,
        threads=threads,
        resume=resume,
    )
    with progress_bar() as bar:
        task = bar.add_task("training", total=steps)

        def show(done: int, text: str) -> None:
            bar.update(task, completed=done, description=text)

        finished = run_training(request, show, console.print)
    console.print(f"weights: [bold]{finished.weights}[/]")
    if finished.interrupted:
        console.print("interrupted and saved; the same command with --resume goes on")
        raise typer.Exit(130)
