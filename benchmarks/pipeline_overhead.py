"""What the pipeline costs on top of the bare engine, in one process, turn by turn.

    python benchmarks/pipeline_overhead.py

Demo frames are drawn beforehand, since drawing is the demo's work and not the pipeline's. Bare
engine and whole pipeline (noise estimated per frame, null sink) then process the same frames in
turns; each turn's throughput is taken from its frames after the first, and the ratio from
neighbouring turns. Prints the table and writes results/pipeline_overhead.json beside this file.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections import deque
from fractions import Fraction
from pathlib import Path
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table

from rtsdb.data.noise_models import GaussianNoise, NoiseSimulator
from rtsdb.engine import load_engine
from rtsdb.engine.base import Engine
from rtsdb.machine import describe_machine
from rtsdb.noise import NoiseLevel
from rtsdb.pipeline.run import ENGINE_SLOTS, IN_FLIGHT, Pipeline
from rtsdb.tiling import parse_tile
from rtsdb.video.frame import Image, SourceInfo, Stamp
from rtsdb.video.sinks.null import NullSink
from rtsdb.video.sources.base import Source
from rtsdb.video.sources.demo import DemoSource

RESULTS = Path(__file__).parent / "results"
SIGMA = 25.0


class Recorded(Source):
    """Frames that lie in memory, `count` of them, round and round."""

    def __init__(self, frames: list[Image], count: int) -> None:
        height, width = frames[0].shape[:2]
        self.info = SourceInfo("recorded demo", width, height, frames=count)
        self._frames, self._count, self._index = frames, count, 0

    def read(self, into: Image) -> Stamp | None:
        """Copy the next frame."""
        if self._index == self._count:
            return None
        into[:] = self._frames[self._index % len(self._frames)]
        self._index += 1
        return Stamp(self._index - 1, self._index - 1, Fraction(1, 30))


def draw_frames(width: int, height: int, count: int) -> list[Image]:
    """Noisy demo frames."""
    simulator, frames = NoiseSimulator(GaussianNoise.awgn(SIGMA), seed=0), []
    with DemoSource(width=width, height=height, frames=count) as source:
        clean = np.empty((height, width, 3), np.uint8)
        while (stamp := source.read(clean)) is not None:
            noisy = np.empty_like(clean)
            simulator.apply(clean, noisy, stamp.index)
            frames.append(noisy)
    return frames


def engine_fps(engine: Engine, frames: list[Image], count: int) -> float:
    """Frames per second of the engine alone, with as many under way as the pipeline has."""
    noise, under_way, done = NoiseLevel.awgn(SIGMA), deque[int](), []
    for index in range(count + IN_FLIGHT):
        if index < count:
            under_way.append(engine.submit(frames[index % len(frames)], noise))
        if index >= IN_FLIGHT - 1 and under_way:
            ticket = under_way.popleft()
            engine.result(ticket)
            engine.release(ticket)
            done.append(perf_counter())
    return (len(done) - 1) / (done[-1] - done[0])


def pipeline_fps(engine: Engine, frames: list[Image], count: int) -> float:
    """Frames per second of the whole pipeline around the same engine."""
    done: list[float] = []
    with Recorded(frames, count) as source, NullSink() as sink:
        sink.open(source.info, (source.info.width, source.info.height))
        Pipeline(
            source,
            engine,
            sink,
            composer=None,
            classes=11,
            progress=lambda _: done.append(perf_counter()),
        ).run()
    return (len(done) - 1) / (done[-1] - done[0])


def main() -> None:
    """Parse arguments, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stages", type=int, default=1)
    parser.add_argument("--size", default="2048x1024", help="WIDTHxHEIGHT of the frames")
    parser.add_argument("--tile", default="none", help="none or WIDTHxHEIGHT")
    parser.add_argument("--frames", type=int, default=8, help="frames per turn")
    parser.add_argument("--turns", type=int, default=5)
    arguments = parser.parse_args()
    size = parse_tile(arguments.size)
    assert size is not None
    frames = draw_frames(*size, count=4)
    rows = []
    tile = parse_tile(arguments.tile)
    with load_engine("rt", stages=arguments.stages, tile=tile, slots=ENGINE_SLOTS) as engine:
        engine.prepare(size[1], size[0])
        engine_fps(engine, frames, 3)  # warm-up
        for _ in range(arguments.turns):
            bare = engine_fps(engine, frames, arguments.frames)
            rows.append((bare, pipeline_fps(engine, frames, arguments.frames)))
        info, plan = engine.info, engine.plan
    ratio = statistics.median(piped / bare for bare, piped in rows)
    table = Table("turn", "bare engine fps", "pipeline fps", "ratio", title=f"{info.model}, {plan}")
    for turn, (bare, piped) in enumerate(rows):
        table.add_row(str(turn + 1), f"{bare:.3f}", f"{piped:.3f}", f"{piped / bare:.3f}")
    console = Console()
    console.print(table)
    console.print(f"pipeline / engine, median of {len(rows)} turns: {ratio:.3f}")
    RESULTS.mkdir(exist_ok=True)
    report = {
        "machine": describe_machine(),
        "arguments": vars(arguments),
        "engine": {"model": info.model, "precision": info.precision, "tiles": plan},
        "fps": [{"engine": bare, "pipeline": piped} for bare, piped in rows],
        "median_ratio": ratio,
    }
    (RESULTS / "pipeline_overhead.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
