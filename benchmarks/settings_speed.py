"""What the number of blocks, tiles and INT8 cost or gain: settings of the bare engine in turns.

    python benchmarks/settings_speed.py

All engines of one frame size are open at once and process the same noisy demo frames in turns.
Prints, and writes results/settings_speed.md and .json beside this file.
"""

from __future__ import annotations

import argparse
import statistics
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from bare_engine import Speed, run_frames
from page import write_page
from turns import in_turns, median_ratio

from rtsdb.bench.frames import draw_frames
from rtsdb.engine import load_engine
from rtsdb.errors import RtsdbError
from rtsdb.markdown import markdown_table
from rtsdb.pipeline.run import IN_FLIGHT
from rtsdb.tiling import MULTIPLE, parse_size


@dataclass(frozen=True)
class Setting:
    """A setting of the engine. tiled: in four tiles. precision: auto is the fastest float type."""

    name: str
    stages: int = 1
    precision: str = "auto"
    tiled: bool = False


SETTINGS = (
    Setting("K = 1"),
    Setting("K = 2", stages=2),
    Setting("K = 3", stages=3),
    Setting("four tiles", tiled=True),
    Setting("INT8", precision="int8"),
)
"""The first is what the others, which differ from it in one thing, are compared with."""


def half(side: int) -> int:
    """The side of a tile that cuts a frame's side in two.

    >>> half(2048), half(720)
    (1024, 384)
    """
    return -(-side // (2 * MULTIPLE)) * MULTIPLE


@dataclass(frozen=True)
class Measured:
    """Turns by the name of the setting; what ran, and why what did not run could not."""

    speeds: dict[str, list[Speed]]
    engines: dict[str, str]
    missing: dict[str, str]


def measure(size: tuple[int, int], count: int, rounds: int) -> Measured:
    """Turns of every setting that works here; one more of each before was warm-up."""
    frames = draw_frames(*size, count=4)
    turns, engines, missing = {}, {}, {}
    with ExitStack() as stack:
        for setting in SETTINGS:
            try:
                engine = load_engine(
                    "rt",
                    stages=setting.stages,
                    precision=setting.precision,
                    tile=(half(size[0]), half(size[1])) if setting.tiled else None,
                    slots=IN_FLIGHT,
                )
            except RtsdbError as error:
                missing[setting.name] = str(error)
                continue
            stack.enter_context(engine)
            engine.prepare(size[1], size[0])
            info = engine.info
            engines[setting.name] = f"{info.model}, {info.name} {info.precision}, {engine.plan}"
            turns[setting.name] = partial(run_frames, engine, frames, count)
        in_turns(turns, rounds=1)
        return Measured(in_turns(turns, rounds), engines, missing)


def main() -> None:
    """Parse arguments, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="2048x1024,1280x720", help="WIDTHxHEIGHT, with commas")
    parser.add_argument("--frames", type=int, default=5, help="of each turn")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    lines, facts, headline = [], {}, {}
    for text in arguments.size.split(","):
        found = measure(parse_size(text), arguments.frames, arguments.rounds)
        fps = {name: [speed.fps for speed in side] for name, side in found.speeds.items()}
        first, *others = fps
        ratios = {name: median_ratio(fps[name], fps[first]) for name in fps}
        rows = []
        for name, side in found.speeds.items():
            infer = statistics.median(speed.infer_ms for speed in side)
            rate = statistics.median(fps[name])
            row = (f"{infer:.1f}", f"{rate:.3f}", f"{ratios[name]:.2f}")
            rows.append((name, found.engines[name], *row))
        headings = ("setting", "engine", "infer, ms", "frames per second", f"over {first}")
        lines += [f"## {text}", "", *markdown_table(headings, rows, names=2), ""]
        lines += [f"- {name}: not measured, {why}" for name, why in found.missing.items()]
        facts[text] = {"fps": fps, "ratios": ratios, "engines": found.engines}
        headline[f"{first}, fps, {text}"] = f"{statistics.median(fps[first]):.2f}"
        headline[f"{', '.join(others)}: fps over {first}, {text}"] = ", ".join(
            f"{ratios[name]:.2f}" for name in others
        )
    about = (
        f"The bare engine, {IN_FLIGHT} frames under way. Medians of {arguments.rounds} turns of "
        f"{arguments.frames} frames, and of the ratios within each round."
    )
    write_page(
        "settings_speed",
        "Blocks, tiles, number types",
        [about, "", *lines],
        {"arguments": vars(arguments), "sizes": facts},
        headline=headline,
    )


if __name__ == "__main__":
    main()
