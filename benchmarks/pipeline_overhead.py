"""What the pipeline costs on top of the bare engine, in one process, turn by turn.

    python benchmarks/pipeline_overhead.py

Demo frames are drawn beforehand, since drawing is the demo's work and not the pipeline's. Bare
engine and whole pipeline (noise estimated per frame, null sink) then process the same frames in
turns; each turn's throughput is taken from its frames after the first, and the ratio from
neighbouring turns. Prints, and writes results/pipeline_overhead.md and .json beside this file.
"""

from __future__ import annotations

import argparse
from time import perf_counter

from bare_engine import run_frames
from page import write_page
from turns import in_turns, median_ratio

from rtsdb.bench.frames import MemorySource, draw_frames
from rtsdb.classes import CAMVID
from rtsdb.engine import load_engine
from rtsdb.engine.base import Engine
from rtsdb.markdown import markdown_table
from rtsdb.pipeline.run import ENGINE_SLOTS, Pipeline
from rtsdb.tiling import parse_size, parse_tile
from rtsdb.video.frame import Image
from rtsdb.video.sinks.null import NullSink


def pipeline_fps(engine: Engine, frames: list[Image], count: int) -> float:
    """Frames per second of the whole pipeline around the same engine."""
    done: list[float] = []
    with MemorySource(frames, count) as source, NullSink() as sink:
        sink.open(source.info, (source.info.width, source.info.height))
        Pipeline(
            source,
            engine,
            sink,
            composer=None,
            classes=len(CAMVID),
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
    parser.add_argument("--turns", type=int, default=9)
    arguments = parser.parse_args()
    width, height = parse_size(arguments.size)
    frames = draw_frames(width, height, count=4)
    tile = parse_tile(arguments.tile)
    with load_engine("rt", stages=arguments.stages, tile=tile, slots=ENGINE_SLOTS) as engine:
        engine.prepare(height, width)
        run_frames(engine, frames, 3)  # warm-up
        sides = {
            "engine": lambda: run_frames(engine, frames, arguments.frames).fps,
            "pipeline": lambda: pipeline_fps(engine, frames, arguments.frames),
        }
        fps = in_turns(sides, arguments.turns)
        info, plan = engine.info, engine.plan
    ratio = median_ratio(fps["pipeline"], fps["engine"])
    lines = [
        f"{info.model}, {info.name} {info.precision}, {plan}; {arguments.frames} frames a turn.",
        "",
        f"Pipeline / engine, median of {arguments.turns} turns: **{ratio:.3f}**.",
        "",
        *markdown_table(
            ("turn", "bare engine, fps", "pipeline, fps", "ratio"),
            [
                (str(turn + 1), f"{bare:.3f}", f"{piped:.3f}", f"{piped / bare:.3f}")
                for turn, (bare, piped) in enumerate(zip(*fps.values(), strict=True))
            ],
        ),
    ]
    write_page(
        "pipeline_overhead",
        "The pipeline against the bare engine",
        lines,
        {
            "arguments": vars(arguments),
            "engine": {"model": info.model, "precision": info.precision, "tiles": plan},
            "fps": fps,
            "median_ratio": ratio,
        },
        headline={f"pipeline / engine, fps, {arguments.size}": f"{ratio:.3f}"},
    )


if __name__ == "__main__":
    main()
