"""`rtsdb build`: the fastest engine that this machine, or another one, can run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rtsdb.cli.console import print_written, progress_bar


def build(
    engine: Annotated[str, typer.Option(help="tensorrt or tensorrt-rtx.")],
    size: Annotated[str, typer.Option(help="WIDTHxHEIGHT of the frames.")],
    model: Annotated[str, typer.Option(help="Shipped preset (rt), or your .onnx file.")] = "rt",
    stages: Annotated[
        int,
        typer.Option(
            help="Blocks K: 1 is fastest, 3 is best. An .onnx file has its own.", min=1, max=3
        ),
    ] = 1,
    precision: Annotated[
        str, typer.Option(help="fp16 or int8: the graph NAME.fp16.onnx or NAME.int8.onnx.")
    ] = "fp16",
    tile: Annotated[
        str, typer.Option(help="none (whole frame) or WIDTHxHEIGHT of tiles.")
    ] = "none",
    target: Annotated[
        str | None,
        typer.Option(
            help="tensorrt-rtx: build for these GPUs, as in sm86,sm89,sm120; default: this one's."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder of the engine and its .json sidecar; default: engines, where run looks.",
        ),
    ] = None,
) -> None:
    """Build a TensorRT engine from the shipped network or an ONNX file.

    Nothing happens when the engine is there already. Examples: `rtsdb build --engine tensorrt
    --size 2048x1024` on a Jetson; `rtsdb build --engine tensorrt-rtx --size 2048x1024 --target
    sm86,sm89,sm120` anywhere.
    """
    from rtsdb.engine.tensorrt_cache import FOLDER, BuildRequest, ensure_built
    from rtsdb.names import split_names
    from rtsdb.tiling import parse_size, parse_tile, plan_tiles
    from rtsdb.weights import find_model

    width, height = parse_size(size)
    files = find_model(model, stages)
    request = BuildRequest(
        engine,
        model=files.label,
        onnx=files.need_onnx(engine),
        precision=precision,
        plan=plan_tiles(height, width, parse_tile(tile)),
        targets=() if target is None else split_names(target.lower(), "--target"),
    )
    with progress_bar() as bar:
        task = bar.add_task(f"{files.label} {precision}", total=100, visible=False)
        file = ensure_built(
            request,
            output or FOLDER,
            report=lambda what, share: bar.update(
                task, description=what, completed=round(100 * share), visible=True
            ),
        )
        bar.update(task, completed=100)
    print_written("engine", file.path)
