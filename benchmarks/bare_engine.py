"""The engine by itself, without a pipeline around it."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import NamedTuple

from rtsdb.bench.frames import SIGMA
from rtsdb.engine.base import Engine
from rtsdb.noise import NoiseLevel
from rtsdb.pipeline.run import IN_FLIGHT
from rtsdb.video.frame import Image

NOISE = NoiseLevel.awgn(SIGMA)
"""Of the demo frames."""


class Speed(NamedTuple):
    """Frames per second, and the median milliseconds of the network alone."""

    fps: float
    infer_ms: float


def run_frames(engine: Engine, frames: Sequence[Image], count: int) -> Speed:
    """Run `count` frames, IN_FLIGHT at once, as in the pipeline; the speed after the first."""
    under_way, done, infer_ms = deque[int](), [], []
    for index in range(count + IN_FLIGHT):
        if index < count:
            under_way.append(engine.submit(frames[index % len(frames)], NOISE))
        if index >= IN_FLIGHT - 1 and under_way:
            ticket = under_way.popleft()
            infer_ms.append(1000 * engine.result(ticket).timings.infer)
            engine.release(ticket)
            done.append(perf_counter())
    return Speed((len(done) - 1) / (done[-1] - done[0]), statistics.median(infer_ms[1:]))


def time_frame(engine: Engine, next_frame: Callable[[], Image]) -> float:
    """Milliseconds from a frame's submission to its result, with no other under way."""
    frame = next_frame()
    before = perf_counter()
    ticket = engine.submit(frame, NOISE)
    engine.result(ticket)
    engine.release(ticket)
    return 1000 * (perf_counter() - before)
