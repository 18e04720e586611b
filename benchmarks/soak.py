"""The whole pipeline for long, on a camera that misbehaves: are frames, memory or time lost?

    python benchmarks/soak.py --minutes 30

A scripted camera (faulty_camera.py) breaks, falls silent, delivers late pictures in one go, and
changes its size; `LiveSource` and `ReconnectingSource` read it, the shipped network for K = 1
processes it, and the frames go to a video file, its metadata, and a sink that is too slow. Frames
are counted where the camera gives them and in the finished file; memory, open files and threads
are looked at every second. Ctrl-C ends it early and still writes what there is. Prints, and writes
results/soak.md and .json beside this file.
"""

from __future__ import annotations

import argparse
import math
import signal
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep

import av
import numpy as np
from faulty_camera import EVERY, FAULTS, RATE, SIZES, FaultyCamera
from page import write_page
from process_watch import SPANS, Sample, fit_slope, take_sample

from rtsdb.classes import CAMVID
from rtsdb.engine import load_engine
from rtsdb.errors import RtsdbError
from rtsdb.files import json_number
from rtsdb.markdown import markdown_table
from rtsdb.pipeline.run import ENGINE_SLOTS, Pipeline
from rtsdb.pipeline.summary import Summary
from rtsdb.video.frame import FrameResult, Image, SourceInfo, Stamp
from rtsdb.video.sinks import FanOut, Outcome, open_metadata
from rtsdb.video.sinks.base import Picture, Policy, Sink
from rtsdb.video.sinks.video_file import VideoFileSink
from rtsdb.video.sources.base import SourceEvents
from rtsdb.video.sources.live import LiveSource
from rtsdb.video.sources.reconnect import ReconnectingSource
from rtsdb.video.views import ViewComposer

WARM_UP = 0.5
"""Share of the run before memory's trend is drawn: the allocator's arenas fill up first."""

GROWTH = 10.0
"""MB per hour that memory may grow by, at the upper end of the confidence interval."""

DRIFT = 1.25
"""The p99 of the second half, as the median of its five tenths, over that of the first."""

PARTS = 10

KEPT = 30
"""Of so many samples one is written; all are judged."""

LAST_READ = 30.0
"""Seconds for the last frames to be read, which may have to wait for the engine's new plan."""


class SlowSink(Sink):
    """Takes 0.3 s for a frame, as a window does over a slow network."""

    uses: frozenset[Picture] = frozenset({"denoised", "labels"})
    policy: Policy = "drop"

    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        """Nothing to prepare."""

    def write(self, result: FrameResult) -> bool:
        """Dawdle."""
        sleep(0.3)
        return True


class CountingSource(ReconnectingSource):
    """Counts the frames that it has delivered."""

    delivered = 0

    def read(self, into: Image) -> Stamp | None:
        """Deliver the next frame."""
        stamp = super().read(into)
        self.delivered += stamp is not None
        return stamp


class Ages:
    """When each frame was written to the file, and how old it was; room for all is made before."""

    def __init__(self, file: str, most: int) -> None:
        self._file = file
        self._room = np.zeros((most, 2))
        self.count = 0

    def __call__(self, name: str, stamp: Stamp) -> None:
        """Note a frame; `FanOut` calls it as soon as a sink has written one."""
        if name == self._file and stamp.arrived is not None and self.count < len(self._room):
            now = perf_counter()
            self._room[self.count] = now, 1000 * (now - stamp.arrived)
            self.count += 1

    def p99_by_part(self) -> list[float]:
        """Milliseconds, in each tenth of the time; nan where no frame was written."""
        if not self.count:
            return PARTS * [math.nan]
        times, ages = self._room[: self.count].T
        edges = np.linspace(float(times[0]), float(times[-1]), PARTS + 1)[1:-1]
        parts = np.searchsorted(edges, times, side="right")
        return [
            float(np.percentile(ages[parts == part], 99)) if np.any(parts == part) else math.nan
            for part in range(PARTS)
        ]


@dataclass
class Soaked:
    """What a run left: see `soak`."""

    camera: FaultyCamera
    delivered: int
    summary: Summary
    outcomes: tuple[Outcome, ...]
    in_file: int
    p99_ms: list[float]
    before: Sample
    samples: list[Sample]
    after: Sample
    failure: str | None


@dataclass
class Watch:
    """Samples every second in a thread of its own, which ends the run when its time has come."""

    camera: FaultyCamera
    source: CountingSource
    seconds: float
    early: threading.Event
    samples: list[Sample] = field(default_factory=list)

    def run(self) -> None:
        """Sample to the end; then let all be read that the camera gave, and stop the source."""
        end = perf_counter() + self.seconds
        while perf_counter() < end and not self.early.wait(1.0):
            self.samples.append(take_sample())
        self.camera.over.set()
        end = perf_counter() + LAST_READ
        while self._read() < self.camera.given and perf_counter() < end:
            sleep(0.1)
        self.source.interrupt()

    def _read(self) -> int:
        return self.source.delivered + self.source.events.dropped.total()


def soak(seconds: float, folder: Path, early: threading.Event) -> Soaked:
    """Run for so long, or until `early` is set; a pipeline that fails is part of the result."""
    camera, stop, events = FaultyCamera(), threading.Event(), SourceEvents()

    def connect() -> LiveSource:
        source = LiveSource("camera", camera.connect, stop=stop, events=events)
        camera.opened.set()
        return source

    file = VideoFileSink(folder / "soak.mp4")
    metadata = open_metadata(str(folder / "soak.jsonl"))
    ages = Ages(file.name, most=round(2 * RATE * (seconds + 60)))
    compose = partial(ViewComposer, "side-by-side", classes=CAMVID)
    failure = None
    with load_engine("rt", stages=1, slots=ENGINE_SLOTS) as engine:
        engine(np.zeros((SIZES[0][1], SIZES[0][0], 3), np.uint8))  # its threads have begun
        before = take_sample()
        with (
            CountingSource(connect, attempts=None, stop=stop, events=events) as source,
            FanOut([file, metadata, SlowSink()], ages) as output,
        ):
            output.open(source.info, compose(SIZES[0]).size)
            pipeline = Pipeline(source, engine, output, composer=compose, classes=len(CAMVID))
            watch = Watch(camera, source, seconds, early)
            thread = threading.Thread(target=watch.run, name="watch", daemon=True)
            thread.start()
            try:
                pipeline.run()
                output.close()
            except RtsdbError as error:
                failure = str(error)
                early.set()
            thread.join()
        sleep(1.0)  # for the last threads to be gone
        after = take_sample()
    return Soaked(
        camera,
        source.delivered,
        pipeline.summary,
        output.outcomes,
        count_frames(folder / "soak.mp4"),
        ages.p99_by_part(),
        before,
        watch.samples,
        after,
        failure,
    )


def count_frames(path: Path) -> int:
    """Frames in a video file; 0 where there is none."""
    if not path.exists():
        return 0
    with av.open(str(path)) as container:
        return sum(packet.size > 0 for packet in container.demux(video=0))


@dataclass(frozen=True)
class Verdict:
    """One thing that was looked at: what was found, what was asked for, and whether that holds."""

    what: str
    found: str
    bar: str
    passed: bool


def check_balance(given: int, in_file: int, dropped: Mapping[str, int]) -> Verdict:
    """Whether every frame that the camera gave is in the file or was dropped for a known cause.

    >>> check_balance(10, 7, {"queue": 2, "source": 1}).found
    '10 = 7 + 2 queue + 1 source'
    >>> check_balance(10, 7, {"queue": 2}).passed
    False
    """
    causes = "".join(f" + {number} {cause}" for cause, number in sorted(dropped.items()))
    passed = given == in_file + sum(dropped.values())
    sign = "=" if passed else "!="
    return Verdict("frames", f"{given} {sign} {in_file}{causes}", "in = out + dropped", passed)


def check_memory(samples: Sequence[Sample]) -> Verdict:
    """Whether resident memory stays level after the warm-up."""
    steady = samples[round(WARM_UP * len(samples)) :]
    what, bar = "growth of memory", f"under {GROWTH:g} MB/hour at the interval's upper end"
    if len(steady) < SPANS:
        return Verdict(what, "too short to tell", bar, False)
    hours = np.array([sample.seconds for sample in steady]) / 3600
    slope = fit_slope(hours, np.array([sample.rss for sample in steady]) / 1e6)
    found = f"{slope.rise:+.1f} ± {slope.margin:.1f} MB/hour, most {_most_mb(samples):.0f} MB"
    return Verdict(what, found, bar, slope.rise + slope.margin < GROWTH)


def check_count(what: str, before: int, during: Sequence[int], after: int) -> Verdict:
    """Whether no more of something is open in the second half than in the first, nor at the end.

    Medians of the halves: a sample may fall into a reconnect, when an old source still closes.
    """
    half = len(during) // 2
    first, second = (float(np.median(part or [0])) for part in (during[:half], during[half:]))
    found = (
        f"{before} before, {first:g} and {second:g} in the halves, at most "
        f"{max(during, default=0)}, {after} after"
    )
    return Verdict(
        what, found, "second half <= first, after <= before", second <= first and after <= before
    )


def check_drift(p99_ms: Sequence[float]) -> Verdict:
    """Whether the second half's p99 is that of the first."""
    half = len(p99_ms) // 2
    drift = float(np.median(p99_ms[half:]) / np.median(p99_ms[:half]))
    return Verdict("drift of the p99", f"{drift:.2f}", f"at most {DRIFT:g}", drift <= DRIFT)


def judge(run: Soaked) -> list[Verdict]:
    """All that is looked at."""
    files = [sample.files for sample in run.samples]
    threads = [sample.threads for sample in run.samples]
    return [
        Verdict("run", run.failure or "to its end", "to its end", run.failure is None),
        check_balance(run.camera.given, run.in_file, run.summary.dropped),
        check_memory(run.samples),
        check_count("open files", run.before.files, files, run.after.files),
        check_count("threads", run.before.threads, threads, run.after.threads),
        check_drift(run.p99_ms),
    ]


def main() -> None:
    """Parse arguments, run, judge, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, required=True)
    arguments = parser.parse_args()
    early = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: early.set())
    with TemporaryDirectory() as folder:
        run = soak(60 * arguments.minutes, Path(folder), early)
    verdicts, summary, camera = judge(run), run.summary, run.camera
    sizes = ", ".join(f"{width}x{height}" for width, height in SIZES)
    lines = [
        f"{summary.seconds / 60:.1f} minutes of {arguments.minutes:g}, {summary.frames} frames "
        f"at {summary.fps:.1f} per second of a camera of {RATE}, sizes {sizes}; "
        f"{summary.reconnects} losses, {summary.lost_seconds:.0f} s without a picture.",
        "",
        *markdown_table(
            ("what", "found", "asked for", "holds"),
            [(v.what, v.found, v.bar, "yes" if v.passed else "NO") for v in verdicts],
            names=4,
        ),
        "",
        f"A fault every {EVERY:.0f} s:",
        "",
        *markdown_table(
            ("fault", "what the camera does", "times"),
            [(name, what, str(camera.faults[name])) for name, what in FAULTS.items()],
            names=2,
        ),
        "",
        "99th percentile of capture to output, in each tenth of the run, to where the frame is in "
        "the file:",
        "",
        *markdown_table(
            ("tenth", *(str(part + 1) for part in range(PARTS))),
            [("ms", *(f"{p99:.0f}" for p99 in run.p99_ms))],
        ),
        "",
        *markdown_table(
            ("sink", "written", "missed by being slow", "error"),
            [(o.name, str(o.written), str(o.dropped), o.error or "-") for o in run.outcomes],
        ),
    ]
    facts = {
        "arguments": vars(arguments),
        "verdicts": [asdict(verdict) for verdict in verdicts],
        "given": camera.given,
        "delivered": run.delivered,
        "finished": summary.frames,
        "in_file": run.in_file,
        "dropped": summary.dropped,
        "reconnects": summary.reconnects,
        "faults": camera.faults,
        "p99_ms": [json_number(p99) for p99 in run.p99_ms],
        "samples": [asdict(s) for s in (run.before, *run.samples[::KEPT], run.after)],
    }
    kept = sum(verdict.passed for verdict in verdicts)
    what = f"soak of {summary.seconds / 60:.0f} minutes: what was asked for and holds"
    headline = {what: f"{kept} of {len(verdicts)}"}
    write_page("soak", "Soak", lines, facts, headline=headline)


def _most_mb(samples: Sequence[Sample]) -> float:
    return max(sample.rss for sample in samples) / 1e6


if __name__ == "__main__":
    main()
