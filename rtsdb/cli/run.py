"""`rtsdb run`: a source through an engine into a sink."""

from __future__ import annotations

from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from rtsdb.cli.console import console, progress_bar
from rtsdb.cli.run_summary import print_outcomes, print_summary
from rtsdb.errors import RtsdbError

SOURCE_HELP = (
    "demo, 0 or /dev/video0, csi://0, rtsp://HOST/PATH (also rtp, http, udp), screen://, "
    "drive.mp4, photo.png, frames/, `'clips/*.mp4'`, list.txt, - (standard input). Several "
    "files: give --source several times."
)
SINK_HELP = (
    "out.mp4, out.mkv, out/ (denoised/ and labels/ PNGs), `'out/*.jpg'`, rtsp://HOST/PATH (also "
    "rtmp, srt, udp), window, null. Give it again for each output more. "
    "Default: rtsdb-SOURCE.mp4 here."
)
PACE_HELP = (
    "How fast files are read: max, or source, at the rate of the recording; then frames that "
    "come too fast are dropped, as those of a camera are."
)
MAX_AGE_HELP = "Drop frames of live sources that are older than this before they are processed."
RECONNECT_HELP = "Tries after a live source is lost: a number, forever or off."
SIMULATE_NOISE_HELP = (
    "Add noise first: awgn:25 (or just 25), shot:2:25, lowlight:8x, camera:nikon-d850:iso3200; "
    "+jpeg:75 or +h264:28 behind it codes the frame, too. The summary gives the PSNR."
)


class Pace(str, Enum):
    """When the frames of a file are read."""

    SOURCE = "source"
    MAX = "max"


def run(
    source: Annotated[list[str] | None, typer.Option(help=SOURCE_HELP, metavar="SOURCE")] = None,
    sink: Annotated[list[str] | None, typer.Option(help=SINK_HELP, metavar="SINK")] = None,
    labels: Annotated[
        str | None,
        typer.Option(help="Keep the label maps: out.mkv (lossless) or out/ (PNGs with a palette)."),
    ] = None,
    metadata: Annotated[
        str | None,
        typer.Option(
            help="Keep what is known of each frame (time, noise, latency, class shares) as lines "
            "of JSON: out.jsonl."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Shipped preset (rt), or your .onnx or .safetensors file.")
    ] = "rt",
    stages: Annotated[
        int, typer.Option(help="Blocks K: 1 is fastest, 3 is best.", min=1, max=3)
    ] = 1,
    engine: Annotated[
        str, typer.Option(help="auto (see rtsdb doctor), openvino, onnxruntime, torch, ...")
    ] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16, fp16 or int8.")] = "auto",
    tile: Annotated[
        str, typer.Option(help="none (whole frame) or WIDTHxHEIGHT of tiles.")
    ] = "none",
    sigma: Annotated[
        str, typer.Option(help="Noise level in grey levels (0..255 scale), or auto.")
    ] = "auto",
    simulate_noise: Annotated[
        str | None, typer.Option(help=SIMULATE_NOISE_HELP, metavar="NOISE")
    ] = None,
    view: Annotated[
        str, typer.Option(help="side-by-side, denoised, overlay, labels or wipe.")
    ] = "side-by-side",
    frames: Annotated[int | None, typer.Option(help="Stop after this many.", min=1)] = None,
    capture_size: Annotated[
        str | None, typer.Option(help="WIDTHxHEIGHT to ask of a camera or the screen.")
    ] = None,
    capture_fps: Annotated[
        str | None, typer.Option(help="Frames per second to ask of a camera or the screen.")
    ] = None,
    pixel_format: Annotated[
        str | None, typer.Option(help="To ask of a camera: mjpeg or yuyv.")
    ] = None,
    decode: Annotated[
        str, typer.Option(help="Where video is decoded: auto, cpu, cuda or v4l2m2m.")
    ] = "auto",
    reconnect: Annotated[str, typer.Option(help=RECONNECT_HELP)] = "forever",
    pace: Annotated[Pace, typer.Option(help=PACE_HELP)] = Pace.MAX,
    max_age_ms: Annotated[float, typer.Option(help=MAX_AGE_HELP, min=1)] = 500,
    encoder: Annotated[
        str, typer.Option(help="Of videos and streams: auto, x264, nvenc or v4l2m2m.")
    ] = "auto",
    report: Annotated[
        Path | None, typer.Option(help="Write latency, quality and machine as JSON.")
    ] = None,
) -> None:
    """Denoise and segment a video, a camera or images.

    Examples: `rtsdb run` draws and processes a demo street; `rtsdb run --source drive.mp4
    --sink clean.mp4 --view denoised`; `rtsdb run --source 0 --sink window`.
    """
    from rtsdb.data.noise_models import NoiseSimulator, parse_noise_model
    from rtsdb.engine import load_engine
    from rtsdb.files import check_writable
    from rtsdb.noise import parse_sigma
    from rtsdb.pipeline.latency import OutputLatency
    from rtsdb.pipeline.outputs import open_outputs, outcomes
    from rtsdb.pipeline.report import build_report, write_report
    from rtsdb.pipeline.run import ENGINE_SLOTS, Pipeline, StageError
    from rtsdb.tiling import parse_tile
    from rtsdb.video.sinks import SinkOptions
    from rtsdb.video.sources import open_source
    from rtsdb.video.sources.options import (
        SourceOptions,
        parse_capture_fps,
        parse_capture_size,
        parse_reconnect,
    )
    from rtsdb.video.sources.paced import PacedSource
    from rtsdb.video.urls import redacted
    from rtsdb.video.views import ViewComposer
    from rtsdb.weights import find_model

    if not source:
        source = ["demo"]
        console.print("no --source given: using the built-in demo street")
    level = parse_sigma(sigma)
    noise = None if simulate_noise is None else parse_noise_model(simulate_noise)
    if report is not None:
        check_writable(report, "--report")
    classes = find_model(model, stages).classes
    source_options = SourceOptions(
        capture_size=None if capture_size is None else parse_capture_size(capture_size),
        capture_fps=None if capture_fps is None else parse_capture_fps(capture_fps),
        pixel_format=pixel_format,
        decode=decode,
        reconnect=parse_reconnect(reconnect),
    )
    sink_options = SinkOptions(encoder, classes, view)
    output_latency = OutputLatency()
    sinks = sink or [f"rtsdb-{_stem(redacted(source[0]))}.mp4"]
    failure: RtsdbError | None = None
    with (
        open_source(source, source_options) as opened,
        load_engine(
            model,
            stages=stages,
            engine=engine,
            precision=precision,
            tile=parse_tile(tile),
            slots=ENGINE_SLOTS,
        ) as runner,
        open_outputs(sinks, labels, metadata, sink_options, output_latency) as output,
    ):
        if pace is Pace.SOURCE and not opened.info.live:
            opened = PacedSource(opened)
        info = opened.info
        compose = partial(ViewComposer, view, classes=classes)
        output.open(info, compose((info.width, info.height)).size)
        total = min(filter(None, (info.frames, frames)), default=None)
        with progress_bar() as bar:
            task = bar.add_task(f"{info.name} {info.width}x{info.height}", total=total)
            pipeline = Pipeline(
                opened,
                runner,
                output,
                composer=compose if output.wants_view else None,
                classes=len(classes),
                sigma=level,
                simulate=None if noise is None else NoiseSimulator(noise, seed=0),
                max_frames=frames,
                max_age=max_age_ms / 1000,
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
        try:
            output.close()
        except RtsdbError as error:
            failure = error
        settings: dict[str, object] = {
            "source": ", ".join(map(redacted, source)),
            "size": [info.width, info.height],
            "sink": ", ".join(map(redacted, sinks)),
            "model": model,
            "stages": stages,
            "sigma": sigma,
            "simulate_noise": None if noise is None else noise.spec,
            "view": view,
            "pace": pace.value,
            "max_age_ms": max_age_ms,
        }
        written = outcomes(output, summary.frames, failure)
        facts = build_report(summary, runner, written, output_latency, settings)
    print_summary(facts)
    if report is not None:
        write_report(facts, report)
    print_outcomes(written)
    if failure is not None:
        raise failure
    if summary.interrupted:
        raise typer.Exit(130)


def _stem(source: str) -> str:
    """A file name's middle for what the source is: 'drive' for 'clips/drive.mp4'."""
    name = Path(source).stem
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name).strip("_") or "frames"
