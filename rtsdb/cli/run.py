"""`rtsdb run`: a source through an engine into a sink."""

from __future__ import annotations

from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from rtsdb.cli.console import console, progress_bar
from rtsdb.cli.recordings import process_recordings
from rtsdb.cli.run_summary import print_outcomes, print_summary
from rtsdb.errors import UsageError

SOURCE_HELP = (
    "demo, 0 or /dev/video0, csi://0, rtsp://HOST/PATH (also rtp, http, udp, tcp), screen://, "
    "drive.mp4, photo.png, frames/, `'clips/*.mp4'`, list.txt, - (standard input). Several "
    "files, as in `--source clips/*.mp4`, are one source."
)
MORE_HELP = "Further files, as the shell makes them of `--source clips/*.mp4`."
SINK_HELP = (
    "out.mp4, out.mkv, out/ (denoised/ and labels/ PNGs), `'out/*.jpg'`, rtsp://HOST/PATH (also "
    "rtmp, srt, udp, tcp), window, null. Give it again for each further output. "
    "Default: rtsdb-SOURCE.mp4 here."
)
PACE_HELP = (
    "How fast files are read: max, or source, at the rate of the recording; then frames that "
    "come too fast are dropped, as those of a camera are."
)
MAX_AGE_HELP = "Drop frames of live sources that are older than this before they are processed."
RECONNECT_HELP = "Tries after a live source is lost: a number, forever or off."
RESUME_HELP = (
    "Each recording to a file of its own in the folders that --sink, --labels and --metadata name; "
    "after a crash or Ctrl-C the same command goes on where it was."
)
STAGES_HELP = "Blocks K: 1 is fastest, 3 is best. An .onnx file has its own."
ENGINE_HELP = (
    "auto (the first of these that works here, see rtsdb doctor), tensorrt, tensorrt-rtx, "
    "torch-tensorrt, onnxruntime-gpu, openvino, onnxruntime or torch."
)
AUTO_TUNE_HELP = (
    "Choose engine, precision, stages and tile, where they are not given: the best in quality "
    "that hold the source's rate on this machine (30 fps where it has none), as rtsdb bench "
    "--sweep finds. What that has not measured is measured first, for a minute."
)
SIMULATE_NOISE_HELP = (
    "Add noise first: awgn:25 (or just 25), shot:2:25, lowlight:8x, camera:nikon-d850:iso3200; "
    "+jpeg:75 or +h264:28 behind it codes the frame, too. The summary gives the PSNR."
)


LABELS_HELP = "Keep the label maps: out.mkv (lossless) or out/ (PNGs with a palette)."
METADATA_HELP = (
    "Keep what is known of each frame (time, noise, latency, class shares) as lines of JSON: "
    "out.jsonl."
)


class Pace(str, Enum):
    """When the frames of a file are read."""

    SOURCE = "source"
    MAX = "max"


_input = partial(typer.Option, rich_help_panel="Input")
_network = partial(typer.Option, rich_help_panel="Network and noise")
_output = partial(typer.Option, rich_help_panel="Output")


def run(
    context: typer.Context,
    more: Annotated[
        list[str] | None, typer.Argument(help=MORE_HELP, metavar="FILE", rich_help_panel="Input")
    ] = None,
    source: Annotated[list[str] | None, _input(help=SOURCE_HELP, metavar="SOURCE")] = None,
    frames: Annotated[int | None, _input(help="Stop after this many.", metavar="N", min=1)] = None,
    pace: Annotated[Pace, _input(help=PACE_HELP)] = Pace.MAX,
    decode: Annotated[
        str, _input(help="Where video is decoded: auto, cpu, cuda or v4l2m2m.", metavar="NAME")
    ] = "auto",
    max_age_ms: Annotated[float, _input(help=MAX_AGE_HELP, metavar="MS", min=1)] = 500,
    reconnect: Annotated[str, _input(help=RECONNECT_HELP, metavar="TRIES")] = "forever",
    capture_size: Annotated[
        str | None, _input(help="WIDTHxHEIGHT to ask of a camera or the screen.", metavar="SIZE")
    ] = None,
    capture_fps: Annotated[
        str | None,
        _input(help="Frames per second to ask of a camera or the screen.", metavar="FPS"),
    ] = None,
    pixel_format: Annotated[
        str | None, _input(help="To ask of a camera: mjpeg or yuyv.", metavar="NAME")
    ] = None,
    model: Annotated[
        str,
        _network(help="Shipped preset (rt), or your .onnx or .safetensors file.", metavar="MODEL"),
    ] = "rt",
    stages: Annotated[int, _network(help=STAGES_HELP, metavar="K", min=1, max=3)] = 1,
    engine: Annotated[
        str,
        _network(help=ENGINE_HELP, metavar="NAME"),
    ] = "auto",
    precision: Annotated[
        str, _network(help="auto, fp32, bf16, fp16 or int8.", metavar="NAME")
    ] = "auto",
    tile: Annotated[
        str, _network(help="none (whole frame) or WIDTHxHEIGHT of tiles.", metavar="SIZE")
    ] = "none",
    auto_tune: Annotated[bool, _network("--auto-tune", help=AUTO_TUNE_HELP)] = False,
    sigma: Annotated[
        str, _network(help="Noise level in grey levels (0..255 scale), or auto.", metavar="SIGMA")
    ] = "auto",
    simulate_noise: Annotated[
        str | None, _network(help=SIMULATE_NOISE_HELP, metavar="NOISE")
    ] = None,
    sink: Annotated[list[str] | None, _output(help=SINK_HELP, metavar="SINK")] = None,
    view: Annotated[
        str, _output(help="side-by-side, denoised, overlay, labels or wipe.", metavar="VIEW")
    ] = "side-by-side",
    encoder: Annotated[
        str, _output(help="Of videos and streams: auto, x264, nvenc or v4l2m2m.", metavar="NAME")
    ] = "auto",
    labels: Annotated[str | None, _output(help=LABELS_HELP, metavar="PATH")] = None,
    metadata: Annotated[str | None, _output(help=METADATA_HELP, metavar="PATH")] = None,
    report: Annotated[
        Path | None, _output(help="Write latency, quality and machine as JSON.", metavar="PATH")
    ] = None,
    resume: Annotated[bool, _output("--resume", help=RESUME_HELP)] = False,
) -> None:
    """Denoise and segment a video, a camera or images.

    Examples: `rtsdb run` draws and processes a demo street; `rtsdb run --source drive.mp4
    --sink clean.mp4 --view denoised`; `rtsdb run --source 0 --sink window`; `rtsdb run
    --source drives/*.mp4 --sink out/ --resume`.
    """
    from rtsdb.pipeline.command import RunRequest, run_once
    from rtsdb.pipeline.processing import Processing
    from rtsdb.video.frame import SourceInfo
    from rtsdb.video.sources.options import parse_source_options

    sources = _in_order(source or [], more or [])
    if not sources:
        sources = ["demo"]
        console.print("no --source given: using the built-in demo street")
    processing = Processing(
        model=model,
        stages=stages,
        engine=engine,
        precision=precision,
        tile=tile,
        sigma=sigma,
        simulate_noise=simulate_noise,
        view=view,
        max_age=max_age_ms / 1000,
    )
    source_options = parse_source_options(
        capture_size=capture_size,
        capture_fps=capture_fps,
        pixel_format=pixel_format,
        decode=decode,
        reconnect=reconnect,
    )
    if auto_tune:
        from rtsdb.cli.auto_tune import tuned

        processing = tuned(context, processing, sources, source_options)
    request = RunRequest(
        processing,
        sources=sources,
        source_options=source_options,
        sinks=sink or [],
        labels=labels,
        metadata=metadata,
        encoder=encoder,
        frames=frames,
        paced=pace is Pace.SOURCE,
        report=report,
    )
    if resume:
        process_recordings(request)
        return
    with progress_bar() as bar:
        task = bar.add_task("", total=None, start=False, visible=False)

        def start(info: SourceInfo, total: int | None) -> None:
            what = f"{info.name} {info.width}x{info.height}"
            bar.start_task(task)
            bar.update(task, description=what, total=total, visible=True)

        finished = run_once(request, start, lambda done: bar.update(task, completed=done))
    print_summary(finished.facts)
    print_outcomes(finished.outputs)
    if finished.failure is not None:
        raise finished.failure
    if finished.interrupted:
        raise typer.Exit(130)


def _in_order(given: list[str], more: list[str]) -> list[str]:
    """All sources; UsageError where the order in which they were typed is not known."""
    if len(given) > 1 and more:
        raise UsageError(
            f"{more[0]}: where it comes among several --source is not clear; give --source once, "
            "with all files behind it, or before each file"
        )
    return [*given, *more]
