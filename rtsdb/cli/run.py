"""`rtsdb run`: a source through an engine into a sink."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from rtsdb.cli.console import console, progress_bar
from rtsdb.errors import RtsdbError, UsageError

SOURCE_HELP = "demo, 0 or /dev/video0, drive.mp4, photo.png, frames/, `'frames/*.png'`."
SINK_HELP = (
    "out.mp4, out/ (denoised/ and labels/ PNGs), window, null. Default: rtsdb-SOURCE.mp4 here."
)


def run(
    source: Annotated[str | None, typer.Option(help=SOURCE_HELP, metavar="SOURCE")] = None,
    sink: Annotated[str | None, typer.Option(help=SINK_HELP, metavar="SINK")] = None,
    model: Annotated[
        str, typer.Option(help="Shipped preset (rt), or your .onnx or .safetensors file.")
    ] = "rt",
    stages: Annotated[
        int, typer.Option(help="Blocks K: 1 is fastest, 3 is best.", min=1, max=3)
    ] = 1,
    engine: Annotated[str, typer.Option(help="auto, openvino or torch.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "auto",
    tile: Annotated[
        str, typer.Option(help="none (whole frame) or WIDTHxHEIGHT of tiles.")
    ] = "none",
    sigma: Annotated[
        str, typer.Option(help="Noise level in grey levels (0..255 scale), or auto.")
    ] = "auto",
    simulate_noise: Annotated[
        float | None,
        typer.Option(help="Add 8-bit Gaussian noise of this sigma; the summary gives the PSNR."),
    ] = None,
    view: Annotated[
        str, typer.Option(help="side-by-side, denoised, overlay, labels or wipe.")
    ] = "side-by-side",
    frames: Annotated[int | None, typer.Option(help="Stop after this many.", min=1)] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write latency, quality and machine as JSON.")
    ] = None,
) -> None:
    """Denoise and segment a video, a camera or images.

    Examples: `rtsdb run` draws and processes a demo street; `rtsdb run --source drive.mp4
    --sink clean.mp4 --view denoised`; `rtsdb run --source 0 --sink window`.
    """
    from rtsdb.data.degradations import NoiseSimulator
    from rtsdb.engine import load_engine
    from rtsdb.noise import parse_sigma
    from rtsdb.pipeline.report import build_report, check_writable, write_report
    from rtsdb.pipeline.run import ENGINE_SLOTS, Pipeline, StageError
    from rtsdb.tiling import parse_tile
    from rtsdb.video.sinks import open_sink
    from rtsdb.video.sources import open_source
    from rtsdb.video.views import ViewComposer
    from rtsdb.weights import find_model

    if source is None:
        source = "demo"
        console.print("no --source given: using the built-in demo street")
    level = parse_sigma(sigma)
    if simulate_noise is not None and not 0 <= simulate_noise <= 100:
        raise UsageError(f"--simulate-noise {simulate_noise:g}: give grey levels from 0 to 100")
    if report is not None:
        check_writable(report)
    classes = find_model(model, stages).classes
    target = sink or f"rtsdb-{_stem(source)}.mp4"
    with (
        open_source(source) as opened,
        load_engine(
            model,
            stages=stages,
            engine=engine,
            precision=precision,
            tile=parse_tile(tile),
            slots=ENGINE_SLOTS,
        ) as runner,
        open_sink(target) as output,
    ):
        info = opened.info
        composer = ViewComposer(view, (info.width, info.height), classes)
        output.open(info, composer.size)
        total = min(filter(None, (info.frames, frames)), default=None)
        with progress_bar() as bar:
            task = bar.add_task(f"{info.name} {info.width}x{info.height}", total=total)
            pipeline = Pipeline(
                opened,
                runner,
                output,
                composer=composer if output.wants_view else None,
                classes=len(classes),
                sigma=level,
                simulate=None if simulate_noise is None else NoiseSimulator(simulate_noise, seed=0),
                max_frames=frames,
                progress=lambda done: bar.update(task, completed=done),
            )
            try:
                summary = pipeline.run()
            except StageError as error:
                done = pipeline.summary.frames
                if error.stage == "render" or output.location is None or not done:
                    raise
                raise RtsdbError(
                    f"{error}; the {done} frames finished before are in {output.location}"
                ) from error
        settings: dict[str, object] = {
            "source": source,
            "size": [info.width, info.height],
            "sink": target,
            "model": model,
            "stages": stages,
            "sigma": sigma,
            "simulate_noise": simulate_noise,
            "view": view,
        }
        facts = build_report(summary, runner, settings)
    _print_summary(facts)
    if report is not None:
        write_report(facts, report)
    if output.location:
        console.print(f"output: [bold]{output.location}[/]")
    if summary.interrupted:
        raise typer.Exit(130)


def _stem(source: str) -> str:
    """A file name's middle for what the source is: 'drive' for 'clips/drive.mp4'."""
    name = Path(source).stem
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name).strip("_") or "frames"


def _print_summary(facts: dict[str, object]) -> None:
    """The latency table and, where there is a clean frame to compare with, the quality."""
    engine, latency = facts["engine"], facts["latency_ms"]
    assert isinstance(engine, dict)
    assert isinstance(latency, dict)
    table = Table(
        title=f"{engine['model']}, {engine['name']} {engine['precision']}, {engine['tiles']}",
        caption=f"{facts['frames']} frames, {facts['fps']:.2f} fps, {engine['device']}",
    )
    table.add_column("ms per frame")
    for column in ("count", "p50", "p90", "p99", "max"):
        table.add_column(column, justify="right")
    for name, row in latency.items():
        values = [f"{row[column]:.1f}" for column in ("p50", "p90", "p99", "max")]
        table.add_row(name, str(row["count"]), *values, end_section=name == "encode")
    out = Console()
    out.print(table)
    dropped = facts["dropped"]
    assert isinstance(dropped, dict)
    for cause, count in dropped.items():
        out.print(f"dropped ({cause}): {count}")
    quality = facts["psnr_db"]
    if isinstance(quality, dict):
        noisy, denoised = (
            "equal" if quality[key] is None else f"{quality[key]:.2f} dB"
            for key in ("noisy", "denoised")
        )
        out.print(f"PSNR against the clean frames: noisy {noisy}, denoised {denoised}")
    if facts["miou"] is not None:
        out.print(f"mIoU against the ground truth: {facts['miou']:.1%}")
