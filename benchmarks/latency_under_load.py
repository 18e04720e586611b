"""How old a frame is when it comes out, with a camera faster than the engine.

    python benchmarks/latency_under_load.py

The demo street comes at 30 frames per second into the live pipeline, whose engine takes 1/12 s for
a frame. Capture to output is measured for every kind of sink that shows or sends, to where the
sink has taken the frame: drawn by the window, encoded and handed to the network by the stream. The
bar is 2 engine periods + 1 frame interval for the 99th percentile.

The engine is a double that waits by the clock and leaves the processor alone, as a GPU does: a
real engine on this processor would compete with the drawing, the window and the encoder, and the
figure would tell the processor's load and not what the pipeline does. All around it is real.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from time import perf_counter, sleep
from typing import Any

from page import write_page

from rtsdb.bench.frames import MemorySource, draw_frames
from rtsdb.classes import CAMVID
from rtsdb.engine.base import EngineInfo
from rtsdb.engine.tiled import TileBuffers, TiledEngine
from rtsdb.errors import RtsdbError
from rtsdb.markdown import markdown_table
from rtsdb.pipeline.latency import TOTAL, OutputLatency, Percentiles
from rtsdb.pipeline.outputs import open_outputs
from rtsdb.pipeline.run import ENGINE_SLOTS, Pipeline
from rtsdb.pipeline.summary import Summary
from rtsdb.tiling import HALO
from rtsdb.video.frame import Image
from rtsdb.video.sinks import SinkOptions
from rtsdb.video.sources.paced import PacedSource
from rtsdb.video.views import ViewComposer

CAMERA_FPS, ENGINE_FPS = 30, 12
BAR_MS = 2 * 1000 / ENGINE_FPS + 1000 / CAMERA_FPS
SIZE = (320, 192)
VIEW = "side-by-side"


@dataclass
class Job:
    """A frame in the engine. ready: when it will be done."""

    ready: float = 0.0


class SlowEngine(TiledEngine[Job]):
    """Takes 1 / ENGINE_FPS seconds a frame, one after the other; its pictures stay empty."""

    info = EngineInfo("slow", "none", "none", "a clock", {})

    def __init__(self) -> None:
        super().__init__(slots=ENGINE_SLOTS, tile=None, halo=HALO)
        self._busy_until = 0.0

    def compile(self, height: int, width: int) -> None:
        """Nothing to compile."""

    def begin(self, tile: TileBuffers) -> Job:
        """A job that computes nothing."""
        return Job()

    def read_in_place(self, job: Job, frame: Image) -> None:
        """Nothing is read."""

    def start(self, job: Job) -> None:
        """Have it ready one period after all jobs before it."""
        job.ready = max(perf_counter(), self._busy_until) + 1 / ENGINE_FPS
        self._busy_until = job.ready

    def wait(self, job: Job) -> float:
        """Sleep until it is ready; the period."""
        sleep(max(0.0, job.ready - perf_counter()))
        return 1 / ENGINE_FPS


@contextmanager
def screen() -> Iterator[str]:
    """Where the window opens: on a screen that nobody sees. Raises RtsdbError without Xvfb."""
    if shutil.which("Xvfb") is None:
        raise RtsdbError("Xvfb is not installed (Debian: xvfb)")
    read, write = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(write)], pass_fds=[write], stderr=-3)
    os.close(write)
    try:
        with os.fdopen(read) as told:
            os.environ["DISPLAY"] = f":{told.readline().strip()}"
        yield "window"
    finally:
        server.terminate()
        server.wait()


@contextmanager
def datagrams() -> Iterator[str]:
    """The address of a receiver on this machine, which takes what comes and forgets it."""
    with socket.socket(type=socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(0.1)
        stop = threading.Event()

        def receive() -> None:
            while not stop.is_set():
                try:
                    receiver.recv(65536)
                except TimeoutError:
                    continue

        thread = threading.Thread(target=receive)
        thread.start()
        try:
            yield f"udp://127.0.0.1:{receiver.getsockname()[1]}"
        finally:
            stop.set()
            thread.join()


@contextmanager
def nothing() -> Iterator[str]:
    """The sink that keeps nothing."""
    yield "null"


def measure(sink: str, frames: list[Image], count: int) -> tuple[Percentiles, Summary]:
    """Capture to output of one sink, and the run's summary."""
    latency = OutputLatency()
    height, width = frames[0].shape[:2]
    compose = partial(ViewComposer, VIEW, classes=CAMVID)
    with (
        PacedSource(MemorySource(frames, count)) as source,
        SlowEngine() as engine,
        open_outputs([sink], None, None, SinkOptions(view=VIEW), latency) as output,
    ):
        output.open(source.info, compose((width, height)).size)
        composer = compose if output.wants_view else None
        summary = Pipeline(source, engine, output, composer=composer, classes=len(CAMVID)).run()
        output.close()
    by_sink = list(latency.percentiles().values())  # of sinks with a thread of their own
    return by_sink[0] if by_sink else summary.latency.percentiles()[TOTAL], summary


def main() -> None:
    """Parse arguments, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20, help="for each sink")
    arguments = parser.parse_args()
    count = round(arguments.seconds * CAMERA_FPS)
    frames = draw_frames(*SIZE, count=8)
    rows: list[list[str]] = []
    facts: list[dict[str, Any]] = []
    for kind, place in {"null": nothing, "window": screen, "udp stream": datagrams}.items():
        with ExitStack() as stack:
            try:
                sink = stack.enter_context(place())
                latency, summary = measure(sink, frames, count)
            except RtsdbError as error:
                rows.append([kind, *("-" for _ in range(6)), f"not measured: {error}"])
                continue
        verdict = "kept" if latency.p99 < BAR_MS else "MISSED"
        dropped = ", ".join(f"{n} {cause}" for cause, n in summary.dropped.items())
        figures = (latency.p50, latency.p90, latency.p99, latency.max)
        rows.append(
            [kind, *(f"{ms:.1f}" for ms in figures), f"{summary.fps:.2f}", dropped, verdict]
        )
        facts.append(
            {"sink": kind, "ms": asdict(latency), "fps": summary.fps, "dropped": summary.dropped}
        )
    headings = ("sink", "p50, ms", "p90, ms", "p99, ms", "max, ms", "fps", "dropped", "bar")
    lines = [
        f"Demo street of {SIZE[0]}x{SIZE[1]} at {CAMERA_FPS} frames per second, {count} frames "
        f"for each sink; an engine of {ENGINE_FPS} frames per second that waits by the clock. The "
        f"bar: p99 under 2 engine periods + 1 frame interval = {BAR_MS:.0f} ms.",
        "",
        *markdown_table(headings, rows),
    ]
    sinks = ", ".join(fact["sink"] for fact in facts)
    what = f"p99 of capture to output under load, ms (bar {BAR_MS:.0f}): {sinks}"
    write_page(
        "latency_under_load",
        "Latency under load",
        lines,
        {"bar_ms": BAR_MS, "sinks": facts},
        headline={what: ", ".join(f"{fact['ms']['p99']:.0f}" for fact in facts)},
    )


if __name__ == "__main__":
    main()
