"""What `rtsdb run` does: sources through an engine into sinks, and the report of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rtsdb.errors import RtsdbError
from rtsdb.files import check_writable
from rtsdb.pipeline.engine_switch import EngineSwitch
from rtsdb.pipeline.latency import OutputLatency
from rtsdb.pipeline.outputs import close_output, open_outputs, outcomes
from rtsdb.pipeline.processing import Processing
from rtsdb.pipeline.report import build_report, write_report
from rtsdb.pipeline.run import Pipeline
from rtsdb.pipeline.stage import StageError
from rtsdb.pipeline.summary import Summary
from rtsdb.video.frame import SourceInfo
from rtsdb.video.sinks import Outcome, SinkOptions
from rtsdb.video.sinks.base import Sink
from rtsdb.video.sources import SourceOptions, open_source
from rtsdb.video.sources.base import Source
from rtsdb.video.sources.paced import PacedSource
from rtsdb.video.urls import redacted


@dataclass(frozen=True)
class RunRequest:
    """The arguments of `rtsdb run`, as its help explains them.

    sources: at least one. sinks: none for a file in the working folder, named after the first
    source. paced: whether files are read at the rate of the recording.
    """

    processing: Processing
    sources: Sequence[str]
    source_options: SourceOptions
    sinks: Sequence[str]
    labels: str | None
    metadata: str | None
    encoder: str
    frames: int | None
    paced: bool
    report: Path | None


@dataclass(frozen=True)
class Finished:
    """A run that has ended.

    facts: of `build_report`. outputs: what became of the sinks; failure: of one of them, which
    others survived. interrupted: by Ctrl-C.
    """

    facts: dict[str, object]
    outputs: tuple[Outcome, ...]
    failure: RtsdbError | None
    interrupted: bool


def run_once(
    request: RunRequest,
    start: Callable[[SourceInfo, int | None], None],
    advance: Callable[[int], None],
) -> Finished:
    """Process the sources, as one, to their end or Ctrl-C; write the report that was asked for.

    start: called before the first frame with the source's facts and the number of frames that
    will come, if known. advance: called after each with their number so far. Raises UsageError
    for a bad request, and RtsdbError where a stage fails.
    """
    processing = request.processing
    if request.report is not None:
        check_writable(request.report, "--report")
    sink_options = SinkOptions(request.encoder, processing.classes, processing.view)
    sinks = list(request.sinks) or [f"rtsdb-{_stem(redacted(request.sources[0]))}.mp4"]
    latency = OutputLatency()
    # Sinks that cannot be are refused before the engine takes its time.
    output = open_outputs(sinks, request.labels, request.metadata, sink_options, latency)
    failure: RtsdbError | None = None
    with (
        _open_source(request) as source,
        processing.load_engine() as engine,
        EngineSwitch(processing.load_with, processing.blocks) as switch,
        output,
    ):
        info = source.info
        pipeline = processing.pipeline(
            source, engine, output, max_frames=request.frames, progress=advance, switch=switch
        )
        start(info, min(filter(None, (info.frames, request.frames)), default=None))
        summary = _run(pipeline, output)
        try:
            close_output(output)
        except RtsdbError as error:
            failure = error
        written = outcomes(output, summary.frames, failure)
        settings = _settings(request, sinks, info)
        facts = build_report(summary, pipeline.engine, written, latency, settings)
    if request.report is not None:
        write_report(facts, request.report)
    return Finished(facts, written, failure, summary.interrupted)


def _open_source(request: RunRequest) -> Source:
    source = open_source(request.sources, request.source_options)
    return PacedSource(source) if request.paced and not source.info.live else source


def _run(pipeline: Pipeline, output: Sink) -> Summary:
    """Run; where that fails, say what is kept nevertheless."""
    try:
        return pipeline.run()
    except StageError as error:
        done = pipeline.summary.frames
        if error.stage == "render" or output.location is None or not done:
            raise
        raise RtsdbError(
            f"{error}; the {done} frames finished before are in {output.location}"
        ) from error


def _settings(request: RunRequest, sinks: Sequence[str], info: SourceInfo) -> dict[str, object]:
    """What the report says of the request."""
    processing = request.processing
    return {
        "source": ", ".join(map(redacted, request.sources)),
        "size": [info.width, info.height],
        "sink": ", ".join(map(redacted, sinks)),
        "model": processing.model,
        "stages": processing.stages,
        "sigma": processing.sigma,
        "simulate_noise": None if processing.noise is None else processing.noise.spec,
        "view": processing.view,
        "pace": "source" if request.paced else "max",
        "max_age_ms": 1000 * processing.max_age,
    }


def _stem(source: str) -> str:
    """A file name's middle for what the source is: 'drive' for 'clips/drive.mp4'."""
    name = Path(source).stem
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name).strip("_") or "frames"
