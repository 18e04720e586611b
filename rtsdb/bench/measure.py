"""Turns of the bare engine and of the whole pipeline around it, and what many turns amount to."""

from __future__ import annotations

import statistics
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

from rtsdb.bench.distribution import distribution
from rtsdb.bench.frames import SIGMA, Footage
from rtsdb.bench.mean_load import mean_load
from rtsdb.bench.model import Round, Side
from rtsdb.bench.record import Record
from rtsdb.classes import ClassSet
from rtsdb.engine.base import Engine
from rtsdb.engine.registry import is_on_gpu
from rtsdb.noise import NoiseLevel
from rtsdb.pipeline.latency import STAGES, LatencyReport, Trace
from rtsdb.pipeline.run import IN_FLIGHT, RING, Pipeline
from rtsdb.video.sinks.video_file import VideoFileSink
from rtsdb.video.views import ViewComposer

VIEW = "side-by-side"
ENCODER = "x264"
"""What the pipeline draws and how it is encoded: the defaults of `rtsdb run` without hardware that
encodes, on every machine, so that machines can be compared."""


@dataclass(frozen=True)
class Turn:
    """What one turn measured. dropped: frames by cause. enqueue_ms: of the engine's `submit`."""

    record: Record
    dropped: Mapping[str, int] = field(default_factory=dict)
    enqueue_ms: Sequence[float] = ()


class Submitted(NamedTuple):
    """A frame that the engine has: when it was submitted, and how long that kept its caller."""

    ticket: int
    began: float
    enqueue: float


def engine_turn(engine: Engine, footage: Footage, *, warmup: float, seconds: float) -> Turn:
    """Run frames from memory through a prepared engine, as many at once as the pipeline has.

    warmup, seconds: that do not count, and that do. Raises RtsdbError when the engine fails.
    """
    noise, under_way, enqueue_ms = NoiseLevel.awgn(SIGMA), deque[Submitted](), []
    frames, on_gpu = cycle(footage.held), is_on_gpu(engine.info.name)
    with Record(fill=IN_FLIGHT, warmup=warmup, seconds=seconds, on_gpu=on_gpu) as record:
        try:
            while not record.is_over:
                while len(under_way) < IN_FLIGHT:
                    began = perf_counter()
                    ticket = engine.submit(next(frames), noise)
                    under_way.append(Submitted(ticket, began, perf_counter() - began))
                timings = engine.result(under_way[0].ticket).timings
                frame = under_way.popleft()
                engine.release(frame.ticket)
                stages = {name: getattr(timings, name) for name in ("gather", "infer", "stitch")}
                record.add(perf_counter() - frame.began, stages)
                if record.frames_ms:
                    enqueue_ms.append(1000 * frame.enqueue)
        finally:
            for frame in under_way:
                engine.release(frame.ticket)
    return Turn(record, enqueue_ms=enqueue_ms)


class TraceRecorder(LatencyReport):
    """Hands the ways of finished frames on as they are, in place of counting them in bins."""

    def __init__(self, record: Record) -> None:
        super().__init__()
        self._record = record

    def add(self, trace: Trace) -> None:
        """Take one finished frame."""
        self._record.add(trace.total, trace.seconds)


def pipeline_turn(
    engine: Engine, footage: Footage, classes: ClassSet, *, warmup: float, seconds: float
) -> Turn:
    """Run frames from their source to a video file, which is thrown away.

    The noise level is estimated frame by frame, as `rtsdb run` does. What is under way when the
    time is over is finished, for the engine's slots must be free. warmup, seconds: that do not
    count, and that do. Raises StageError when a stage fails, and KeyboardInterrupt, after all has
    been stopped, for Ctrl-C.
    """
    compose = partial(ViewComposer, VIEW, classes=classes)
    on_gpu = is_on_gpu(engine.info.name)
    with (
        TemporaryDirectory(prefix="rtsdb-bench-") as folder,
        Record(fill=RING, warmup=warmup, seconds=seconds, on_gpu=on_gpu) as record,
        footage.open() as source,
        VideoFileSink(Path(folder) / "out.mp4", ENCODER) as sink,
    ):
        sink.open(source.info, compose((source.info.width, source.info.height)).size)

        def end_in_time(_: int) -> None:
            if record.is_over:
                source.interrupt()

        pipeline = Pipeline(
            source, engine, sink, composer=compose, classes=len(classes), progress=end_in_time
        )
        pipeline.summary.latency = TraceRecorder(record)
        summary = pipeline.run()
    if summary.interrupted:
        raise KeyboardInterrupt
    return Turn(record, dropped=summary.dropped)


def combine(turns: Sequence[Turn]) -> Side:
    """What the turns of a side amount to, frame by frame."""
    records = [turn.record for turn in turns]
    names = {name for record in records for name in record.stages_ms}
    enqueue_ms = [ms for turn in turns for ms in turn.enqueue_ms]
    return Side(
        stages={
            name: distribution([ms for record in records for ms in record.stages_ms.get(name, ())])
            for name in sorted(names, key=STAGES.index)
        },
        latency=distribution([ms for record in records for ms in record.frames_ms]),
        fps=statistics.median(record.fps for record in records),
        rounds=tuple(Round(tuple(record.frames_ms), record.fps) for record in records),
        warmup_ms=tuple(ms for record in records for ms in record.filled_ms),
        load=mean_load([record.load for record in records if record.load is not None]),
        dropped=dict(sum((Counter(turn.dropped) for turn in turns), Counter[str]())),
        enqueue=distribution(enqueue_ms) if enqueue_ms else None,
    )
