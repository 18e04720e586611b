"""`rtsdb train`: a network from a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rtsdb.cli.console import console, print_written, progress_bar
from rtsdb.optional import load_package


def train(
    root: Annotated[Path, typer.Option(help="Folder of the data set.")],
    dataset: Annotated[
        str,
        typer.Option(
            help="camvid (`train/*.png`, `trainannot/*.png`) or cityscapes (`leftImg8bit/`, "
            "`gtFine/`)."
        ),
    ] = "camvid",
    sequences: Annotated[
        str | None,
        typer.Option(
            help="Learn only from frames whose names begin with one of these: 0001TP,0006R0."
        ),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            help="Network: rt; its ablations rt-unconditioned, rt-truth, rt-separate; or sdabn, "
            "which is trained part by part."
        ),
    ] = "rt",
    stages: Annotated[int, typer.Option(help="Blocks K.", min=1, max=3)] = 3,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder of the run: weights, checkpoint, log. Default: runs/rt-k3."),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Optimiser steps of the whole run, or of each part of sdabn. Default: 20000; "
            "sdabn: its authors', 35816 per segmenter and 92000 per denoiser.",
            min=1,
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(
            help="Crops per step. Default: 4; sdabn: 40 for segmenters, 64 for denoisers.", min=1
        ),
    ] = None,
    crop: Annotated[
        str | None,
        typer.Option(
            help="Side or WIDTHxHEIGHT of crops, multiples of 32. Default: 256; sdabn: 1024x512."
        ),
    ] = None,
    window: Annotated[
        int | None,
        typer.Option(
            help="Side of what denoisers learn on: a part of the crop (default: 128, a multiple of "
            "16), or sdabn's own crops (192, a multiple of 32).",
            min=32,
        ),
    ] = None,
    lr: Annotated[
        float | None, typer.Option(help="Peak learning rate. Default: 4e-3; not for sdabn.")
    ] = None,
    sigma: Annotated[
        float | None,
        typer.Option(
            help="The one noise level of sdabn, in grey levels. Default: 50.", min=0, max=100
        ),
    ] = None,
    parts: Annotated[
        str,
        typer.Option(help="What learns: all, segmenters or denoisers."),
    ] = "all",
    first: Annotated[
        int,
        typer.Option(help="The first block that learns; those before stay as they are.", min=1),
    ] = 1,
    seed: Annotated[int, typer.Option(help="Seed of all that is random.", min=0)] = 0,
    start: Annotated[
        str | None,
        typer.Option(
            help="imagenet (pretrained encoder, to which 1500 more steps fit the segmenter first), "
            "or a .safetensors file to go on from; sdabn takes the first block."
        ),
    ] = None,
    segmenters: Annotated[
        str | None, typer.Option(help="Take the segmenters from this .safetensors file.")
    ] = None,
    street: Annotated[int, typer.Option(help="Drawn street frames to mix in.", min=0)] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(help="CPU threads; 0: all cores.", min=0)] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run.")] = False,
) -> None:
    """Train a network; Ctrl-C saves, and --resume goes on exactly where it stopped."""
    load_package("torch", extra="train")
    from rtsdb.data.datasets import parse_sequences
    from rtsdb.training.command import run_training
    from rtsdb.training.request import TrainRequest

    request = TrainRequest(
        dataset=dataset,
        root=root,
        sequences=parse_sequences(sequences),
        output=output or Path("runs") / f"{preset}-k{stages}",
        preset=preset,
        stages=stages,
        steps=steps,
        batch=batch,
        crop=crop,
        window=window,
        lr=lr,
        sigma=sigma,
        parts=parts,
        first=first,
        segmenters=segmenters,
        seed=seed,
        start=start,
        street=street,
        device=device,
        threads=threads,
        resume=resume,
    )
    with progress_bar() as bar:
        task = bar.add_task("training", total=None)

        def show(done: int, last: int, text: str) -> None:
            bar.update(task, completed=done, total=last, description=text)

        finished = run_training(request, show, console.print)
    print_written("weights", finished.weights)
    if finished.interrupted:
        console.print("interrupted and saved; the same command with --resume goes on")
        raise typer.Exit(130)
