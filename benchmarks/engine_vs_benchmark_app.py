"""The bare engine against OpenVINO's own benchmark_app, on the same network and the same cores.

    python benchmarks/engine_vs_benchmark_app.py

Both compile the shipped graph for the same frame size with the latency hint, which also chooses
the number of threads, and the same precision; they run in turns. benchmark_app runs the network on
one fixed input; the engine runs it on frame after frame, and gathers and stitches besides: its
frames per second are of all that, `infer` is the network alone. Prints, and writes
results/engine_vs_benchmark_app.md and .json beside this file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bare_engine import Speed, run_frames
from page import write_page
from turns import in_turns, median_ratio

from rtsdb.bench.frames import draw_frames
from rtsdb.engine import load_engine
from rtsdb.engine.openvino import FLOATS
from rtsdb.markdown import markdown_table
from rtsdb.pipeline.run import IN_FLIGHT
from rtsdb.tiling import MULTIPLE, parse_size
from rtsdb.weights import find_model

BAR = 0.97


def run_benchmark_app(
    model: Path, size: tuple[int, int], precision: str, count: int, folder: Path
) -> Speed:
    """A turn of OpenVINO's, which compiles the network anew each time."""
    width, height = (-(-side // MULTIPLE) * MULTIPLE for side in size)  # as the engine extends it
    arguments = {
        "-m": str(model),
        "-d": "CPU",
        "-hint": "latency",
        "-infer_precision": FLOATS[precision],
        "-shape": f"frame[1,{height},{width},3],noise[1,2]",
        "-niter": str(count),
        "-report_type": "no_counters",
        "-report_folder": str(folder),
    }
    program = Path(sys.executable).with_name("benchmark_app")
    words = [word for pair in arguments.items() for word in pair]
    subprocess.run([program, *words, "-json_stats"], check=True, capture_output=True)
    results = json.loads((folder / "benchmark_report.json").read_text())["execution_results"]
    return Speed(float(results["throughput"]), float(results["latency (ms)"]))


def main() -> None:
    """Parse arguments, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stages", type=int, default=1)
    parser.add_argument("--size", default="1280x720", help="WIDTHxHEIGHT of the frames")
    parser.add_argument("--frames", type=int, default=12, help="of each turn")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    size = parse_size(arguments.size)
    frames = draw_frames(*size, count=4)
    model = find_model("rt", arguments.stages).need_onnx("openvino")
    with (
        TemporaryDirectory() as folder,
        load_engine("rt", stages=arguments.stages, engine="openvino", slots=IN_FLIGHT) as engine,
    ):
        engine.prepare(size[1], size[0])
        precision = engine.info.precision
        sides = {
            "engine": partial(run_frames, engine, frames, arguments.frames),
            "benchmark_app": partial(
                run_benchmark_app, model, size, precision, arguments.frames, Path(folder)
            ),
        }
        in_turns(sides, rounds=1)  # warm-up
        speeds = in_turns(sides, arguments.rounds)
    engines, apps = speeds["engine"], speeds["benchmark_app"]
    whole = median_ratio([s.fps for s in engines], [s.fps for s in apps])
    network = median_ratio([s.infer_ms for s in apps], [s.infer_ms for s in engines])
    lines = [
        f"rt K={arguments.stages}, {precision}, frames of {arguments.size}, OpenVINO "
        f"{engine.info.versions['openvino']}, turns of {arguments.frames} frames. Of each round, "
        "engine over benchmark_app; medians:",
        "",
        f"- whole engine, frames per second: **{whole:.3f}** (asked for: at least {BAR})",
        f"- network alone, median latency, theirs over ours: {network:.3f}",
        "",
        *markdown_table(
            ("round", "engine, fps", "benchmark_app, fps", "infer, ms", "latency, ms"),
            [
                [
                    str(number + 1),
                    f"{ours.fps:.3f}",
                    f"{theirs.fps:.3f}",
                    f"{ours.infer_ms:.1f}",
                    f"{theirs.infer_ms:.1f}",
                ]
                for number, (ours, theirs) in enumerate(zip(engines, apps, strict=True))
            ],
        ),
    ]
    write_page(
        "engine_vs_benchmark_app",
        "The engine against benchmark_app",
        lines,
        {
            "arguments": vars(arguments),
            "precision": precision,
            "rounds": {name: [s._asdict() for s in side] for name, side in speeds.items()},
            "whole": whole,
            "network": network,
        },
        headline={f"engine / OpenVINO's benchmark_app, fps, {arguments.size}": f"{whole:.3f}"},
    )


if __name__ == "__main__":
    main()
