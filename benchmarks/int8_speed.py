"""INT8 against the fastest floating-point type of this processor, in OpenVINO, frame by frame.

    python benchmarks/int8_speed.py

Both engines are open at once and process noisy demo frames in turn; the ratio is that of the
medians of their times. OpenVINO's own clock then tells, for one frame, which nodes of the INT8
network are not INT8 when executed, and what they cost. Prints, and writes results/int8_speed.md
and .json beside this file.
"""

from __future__ import annotations

import argparse
import statistics
from collections import defaultdict
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

from bare_engine import NOISE, time_frame
from page import write_page
from turns import in_turns

from rtsdb.bench.frames import draw_frames
from rtsdb.engine import load_engine
from rtsdb.engine.openvino import FLOATS, shared_core
from rtsdb.markdown import markdown_table
from rtsdb.onnx_file import graph_in
from rtsdb.tiling import parse_size
from rtsdb.video.frame import Image
from rtsdb.weights import find_model

LISTED = 15
"""How many float nodes are listed, the slowest first."""


class Node(NamedTuple):
    """A node as executed: its type, and the kernel, whose name ends with the type it reads."""

    name: str
    kind: str
    kernel: str
    ms: float

    @property
    def int8(self) -> bool:
        """Whether it reads bytes."""
        return self.kernel.endswith("I8")


def compare(stages: int, frames: list[Image], rounds: int) -> dict[str, list[float]]:
    """Milliseconds per frame by precision; one round more before was warm-up."""
    height, width = frames[0].shape[:2]
    sides = {}
    with (
        load_engine("rt", stages=stages, engine="openvino", slots=1) as floating,
        load_engine("rt", stages=stages, engine="openvino", precision="int8", slots=1) as int8,
    ):
        for engine in (floating, int8):
            engine.prepare(height, width)
            sides[engine.info.precision] = partial(time_frame, engine, cycle(frames).__next__)
        in_turns(sides, rounds=1)
        return in_turns(sides, rounds)


def executed(graph: Path, floating: str, frame: Image) -> list[Node]:
    """The nodes that OpenVINO runs for a frame, timed one by one. floating: of what is not INT8."""
    model = shared_core().read_model(graph)
    model.reshape({"frame": [1, *frame.shape], "noise": [1, 2]})
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": FLOATS[floating],
        "PERF_COUNT": True,
    }
    request = shared_core().compile_model(model, "CPU", settings).create_infer_request()
    for _ in range(2):
        request.infer({"frame": frame[None], "noise": NOISE.array()[None]})
    return [
        Node(info.node_name, info.node_type, info.exec_type, 1000 * info.real_time.total_seconds())
        for info in request.get_profiling_info()
    ]


def describe(times: dict[str, list[float]], nodes: list[Node]) -> list[str]:
    """The page's lines."""
    (floating, slow), (int8, fast) = ((k, statistics.median(v)) for k, v in times.items())
    total = sum(node.ms for node in nodes)
    islands = sorted((n for n in nodes if not n.int8 and n.ms > 0), key=lambda node: -node.ms)
    kinds: dict[str, float] = defaultdict(float)
    for node in islands:
        kinds[node.kind] += node.ms
    return [
        f"Medians of {len(times[int8])} frames, in turn: {floating} {slow:.1f} ms, int8 "
        f"{fast:.1f} ms. **int8 is {slow / fast:.2f} times as fast as {floating}.**",
        "",
        f"Of {total:.1f} ms of one INT8 frame, timed node by node, "
        f"{sum(kinds.values()):.1f} ms are nodes that read {floating}:",
        "",
        *markdown_table(
            ("type", "ms"),
            [(kind, f"{ms:.1f}") for kind, ms in sorted(kinds.items(), key=lambda k: -k[1])],
        ),
        "",
        f"The slowest {LISTED}:",
        "",
        *markdown_table(
            ("node", "kernel", "ms"),
            [(n.name, f"{n.kind} {n.kernel}", f"{n.ms:.1f}") for n in islands[:LISTED]],
            names=2,
        ),
    ]


def main() -> None:
    """Parse arguments, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stages", type=int, default=1)
    parser.add_argument("--size", default="2048x1024", help="WIDTHxHEIGHT of the frames")
    parser.add_argument("--frames", type=int, default=20, help="frames of each engine")
    arguments = parser.parse_args()
    width, height = parse_size(arguments.size)
    frames = draw_frames(width, height, count=4)
    times = compare(arguments.stages, frames, arguments.frames)
    onnx = find_model("rt", arguments.stages).need_onnx("openvino")
    nodes = executed(graph_in(onnx, "int8-fp32"), next(iter(times)), frames[0])
    floating, int8 = (statistics.median(side) for side in times.values())
    write_page(
        "int8_speed",
        "INT8 in OpenVINO",
        describe(times, nodes),
        {"arguments": vars(arguments), "ms": times, "nodes": [node._asdict() for node in nodes]},
        headline={f"INT8 / {next(iter(times))}, fps, {arguments.size}": f"{floating / int8:.2f}"},
    )


if __name__ == "__main__":
    main()
