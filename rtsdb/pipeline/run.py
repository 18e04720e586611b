"""The pipeline: capture -> queue -> inference -> queue -> render and encode, a thread each."""

from __future__ import annotations

import logging
import math
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol

from rtsdb.data.noise_models import NoiseSimulator
from rtsdb.engine.base import Engine
from rtsdb.errors import RtsdbError
from rtsdb.metrics import ConfusionMatrix, psnr
from rtsdb.noise import NoiseLevel, NoiseTracker
from rtsdb.pipeline.latency import LatencyReport
from rtsdb.pipeline.queues import BoundedQueue, Ended
from rtsdb.pipeline.ring import Passage, make_passage
from rtsdb.video.frame import FrameResult, Image, Labels, SourceInfo
from rtsdb.video.sinks.base import Sink
from rtsdb.video.sources.base import FrameSizeChanged, Source

log = logging.getLogger(__name__)

QUEUE = 2
"""Frames that may wait before inference, and again before rendering."""

IN_FLIGHT = 2
"""Frames that the engine has at once: the next one is gathered while one is computed."""

RING = IN_FLIGHT + 2 * QUEUE + 2
"""Frames that there is room for: in the engine, waiting, captured now, rendered now."""

ENGINE_SLOTS = IN_FLIGHT + QUEUE + 2
"""Slots the engine needs: under way, waiting for the renderer, in its hands, on their way there."""

MAX_AGE = 0.5
"""Seconds after which a live frame is no longer worth the engine's time."""

ENGINE_PATIENCE = 30.0
"""Seconds that an engine may take for one frame, before it counts as hanging."""

PATIENCE = 4.0
"""Seconds that a stopped stage may take to the next sign of life, before it is left behind."""

_PARTING = 1.0  # seconds for stages whose queues are gone
_IDLE = 0.05  # seconds between two calls of `Sink.idle`


class StageError(RtsdbError):
    """A stage failed: 'capture', 'inference' or 'render'.

    >>> str(StageError("capture", "/dev/video0: unplugged"))
    'capture stage: /dev/video0: unplugged'
    """

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(f"{stage} stage: {reason}")
        self.stage = stage


class Composer(Protocol):
    """What draws the picture that is shown or kept (`rtsdb.video.views`)."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the views in pixels."""

    def compose(self, noisy: Image, denoised: Image, labels: Labels, index: int) -> Image:
        """Draw one frame's view."""


@dataclass
class Quality:
    """Comparison with the clean frame and the ground truth, where there are any.

    psnr_noisy, psnr_denoised: sums over frames in dB. confusion: of the labels.
    """

    confusion: ConfusionMatrix | None = None
    frames: int = 0
    psnr_noisy: float = 0.0
    psnr_denoised: float = 0.0

    def add(self, clean: Image, noisy: Image, denoised: Image) -> None:
        """Count one frame's PSNR; frames without any error do not count."""
        self.frames += 1
        self.psnr_noisy += psnr(noisy, clean)
        self.psnr_denoised += psnr(denoised, clean)


@dataclass
class Summary:
    """What a run did.

    dropped: frames not written, by cause: 'queue' (newer ones came before the engine was free),
    'age' (older than the limit when it was) and those of `SourceEvents`. frames: written.
    seconds: of the whole run. reconnects, lost_seconds: as in `SourceEvents`.
    """

    latency: LatencyReport = field(default_factory=LatencyReport)
    dropped: Counter[str] = field(default_factory=Counter)
    quality: Quality = field(default_factory=Quality)
    frames: int = 0
    seconds: float = 0.0
    reconnects: int = 0
    lost_seconds: float = 0.0
    interrupted: bool = False

    @property
    def fps(self) -> float:
        """Finished frames per second, from the first capture to the last output."""
        return self.frames / self.seconds if self.seconds else 0.0


class Pipeline:
    """One run from a source through an engine into a sink.

    A source that waits, such as a file, is held back by the slowest stage, and no frame is lost.
    Of a live one the newest frames count: at most `QUEUE` wait, the oldest of them is dropped
    for a new one, and so is one older than `max_age` seconds when the engine has time for it.
    When its frames change size, all that is under way is finished first, and engine and composer
    are made ready for the new size; other sources raise FrameSizeChanged there.

    composer: makes what draws the views of frames of (width, height) pixels; None: no views.
    sigma: noise level in grey levels, None to estimate it frame by frame. simulate: noise put on
    the frames at capture. max_frames: stop after that many. progress: called in the rendering
    thread after each frame with the number of frames so far.
    """

    def __init__(
        self,
        source: Source,
        engine: Engine,
        sink: Sink,
        *,
        composer: Callable[[tuple[int, int]], Composer] | None,
        classes: int,
        sigma: float | None = None,
        simulate: NoiseSimulator | None = None,
        max_frames: int | None = None,
        max_age: float = MAX_AGE,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._source, self._engine, self._sink = source, engine, sink
        self._make_composer = composer
        self._composer: Composer | None = None
        self._sigma, self._simulate = sigma, simulate
        self._max_frames, self._max_age = max_frames, max_age
        if engine.slots < ENGINE_SLOTS:
            raise ValueError(f"a pipeline needs an engine of {ENGINE_SLOTS} slots")
        self._progress = progress
        self._tracker = NoiseTracker()
        self._free: BoundedQueue[Passage] = BoundedQueue(RING)
        self._captured: BoundedQueue[Passage] = BoundedQueue(QUEUE)
        self._inferred: BoundedQueue[Passage] = BoundedQueue(QUEUE)
        self._stop = threading.Event()
        self._failures: list[tuple[str, BaseException]] = []
        self._engine_began: float | None = None  # when the call that it is in began
        self.summary = Summary()
        if source.info.truth:
            self.summary.quality.confusion = ConfusionMatrix(classes)

    def run(self) -> Summary:
        """Run to the end of the source, Ctrl-C, or the first failure.

        Frames under way when the source ends or fails are still finished and written. Ctrl-C
        ends the capture; a second one does not wait for the frames under way. Raises StageError
        when a stage failed, after all stages have stopped.
        """
        self._plan(self._source.info)
        stages = [_Stage(name, self._guard) for name in ("capture", "inference", "render")]
        begin = perf_counter()
        try:
            for stage in reversed(stages):  # no frame is captured that nobody would finish
                stage.start()
            _await(stages, until=lambda: self._is_over(stages))
        except KeyboardInterrupt:
            self.summary.interrupted = True
        self._wind_up(stages)
        self.summary.seconds = perf_counter() - begin
        self._count_events()
        if self._failures:
            name, error = self._failures[0]
            raise StageError(name, str(error) or type(error).__name__) from error
        for stage in stages:
            if stage.is_running():
                raise StageError(stage.name, f"did not stop within {PATIENCE:.0f} s")
        return self.summary

    def _plan(self, info: SourceInfo) -> None:
        """Make engine, composer and ring ready for frames of the source as it is now.

        All passages must be out of use, and so must be the slots of the engine.
        """
        self._engine.prepare(info.height, info.width)
        if self._make_composer is not None:
            self._composer = self._make_composer((info.width, info.height))
        for _ in range(RING):
            self._free.put(make_passage(info, simulated=self._simulate is not None))

    def _is_over(self, stages: list[_Stage]) -> bool:
        """Whether a stage failed, the engine hangs, or nobody wants more frames."""
        began = self._engine_began
        if began is not None and perf_counter() - began > ENGINE_PATIENCE:
            name = self._engine.info.name
            hangs = RtsdbError(f"{name}: no result for {ENGINE_PATIENCE:.0f} s; try another engine")
            self._failures.append(("inference", hangs))
        return bool(self._failures) or not stages[-1].is_running()

    def _wind_up(self, stages: list[_Stage]) -> None:
        """Stop the capture, let frames under way be finished, then give up on what hangs."""
        self._stop.set()
        self._free.end()
        capture, *others = stages
        try:
            self._source.interrupt()
            _await([capture], patience=PATIENCE)
            self._captured.end()
            done = -1
            while done != self.summary.frames:  # as long as frames are being finished
                done = self.summary.frames
                _await(others, patience=PATIENCE)
        except KeyboardInterrupt:
            self.summary.interrupted = True
        for queue in (self._captured, self._inferred):
            queue.end()
            queue.abandon()
        _await(stages, patience=_PARTING)

    def _count_events(self) -> None:
        """Take what befell the source into the summary."""
        events, summary = self._source.events, self.summary
        summary.dropped.update(events.dropped)
        summary.reconnects, summary.lost_seconds = events.reconnects, events.lost_seconds

    def _guard(self, name: str) -> None:
        """Run a stage; whatever happens, its neighbours learn that it is over."""
        work, reads, writes = {
            "capture": (self._capture, self._free, self._captured),
            "inference": (self._infer, self._captured, self._inferred),
            "render": (self._render, self._inferred, self._free),
        }[name]
        try:
            work()
        except Ended:
            pass
        except BaseException as error:
            self._failures.append((name, error))
        finally:
            writes.end()
            reads.abandon()

    def _capture(self) -> None:
        count = 0
        while not self._stop.is_set() and count != self._max_frames:
            passage = self._free.get()
            assert passage is not None
            try:
                if not self._read(passage):
                    return
            except FrameSizeChanged as change:
                if not change.info.live:
                    raise
                info = change.info
                log.warning("%s: frames of %dx%d now", info.name, info.width, info.height)
                for _ in range(RING - 1):  # all but this passage: then nothing is under way
                    self._free.get()
                self._plan(info)
                continue
            count += 1
            if self._source.info.live:
                dropped = self._captured.put_newest(passage)
                if dropped is not None:
                    self._drop(dropped, "queue")
            else:
                self._captured.put(passage)

    def _read(self, passage: Passage) -> bool:
        """Fill a passage with the next frame; False at the end of the source."""
        trace = passage.trace
        trace.restart()
        passage.stamp = self._source.read(passage.clean)
        if passage.stamp is None:
            return False
        if passage.stamp.arrived is not None:
            trace.restart(passage.stamp.arrived)
        if passage.truth is not None:
            self._source.read_truth(passage.truth)
        if self._simulate is not None:
            self._simulate.apply(passage.clean, passage.frame, passage.stamp.index)
        trace.wait("capture")
        return True

    def _drop(self, passage: Passage, cause: str) -> None:
        self.summary.dropped[cause] += 1
        self._give_back(passage)

    def _give_back(self, passage: Passage) -> None:
        with suppress(Ended):  # no more frames are captured
            self._free.put(passage)

    def _infer(self) -> None:
        under_way: deque[Passage] = deque()
        ended = False
        while not ended or under_way:
            try:
                while not ended and len(under_way) < IN_FLIGHT:
                    passage = self._captured.get(patience=0.0 if under_way else math.inf)
                    if passage is None:
                        break
                    if self._is_stale(passage):
                        self._drop(passage, "age")
                        continue
                    self._submit(passage)
                    under_way.append(passage)
            except Ended:
                ended = True
            if under_way:
                self._collect(under_way.popleft())

    def _is_stale(self, passage: Passage) -> bool:
        return self._source.info.live and perf_counter() - passage.trace.begin > self._max_age

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Let `_is_over` see how long the engine takes for the block."""
        self._engine_began = perf_counter()
        yield
        self._engine_began = None

    def _submit(self, passage: Passage) -> None:
        trace = passage.trace
        trace.wait("wait for engine")
        if self._sigma is None:
            with trace.stage("estimate"):
                passage.noise = self._tracker.update(passage.frame)
        else:
            passage.noise = NoiseLevel.awgn(self._sigma)
        with self._watched():
            passage.ticket = self._engine.submit(passage.frame, passage.noise)

    def _collect(self, passage: Passage) -> None:
        assert passage.ticket is not None
        with self._watched():
            passage.result = self._engine.result(passage.ticket)
        timings, trace = passage.result.timings, passage.trace
        trace.charge("gather", timings.gather)
        trace.charge("infer", timings.infer)
        trace.charge("stitch", timings.stitch)
        trace.wait("wait for engine", less=timings.gather + timings.infer + timings.stitch)
        self._inferred.put(passage)

    def _render(self) -> None:
        while True:
            passage = self._inferred.get(patience=_IDLE)
            if passage is None:
                if not self._sink.idle():
                    return
                continue
            trace, result, stamp = passage.trace, passage.result, passage.stamp
            assert result is not None
            assert stamp is not None
            assert passage.ticket is not None
            trace.wait("wait for render")
            finished = FrameResult(
                stamp,
                passage.frame,
                result.denoised,
                result.labels,
                noise=passage.noise,
                latency=trace.seconds,
            )
            self._measure(passage, finished)
            if self._composer is not None:
                with trace.stage("render"):
                    finished.view = self._composer.compose(
                        finished.noisy, finished.denoised, finished.labels, stamp.index
                    )
            with trace.stage("encode"):
                wanted = self._sink.write(finished)
            self.summary.frames += 1
            self.summary.latency.add(trace)
            self._engine.release(passage.ticket)
            self._progress(self.summary.frames)
            if not wanted:
                return
            self._give_back(passage)

    def _measure(self, passage: Passage, finished: FrameResult) -> None:
        quality = self.summary.quality
        if self._simulate is None and passage.truth is None:
            return
        with passage.trace.stage("measure"):
            if self._simulate is not None:
                quality.add(passage.clean, finished.noisy, finished.denoised)
            if passage.truth is not None and quality.confusion is not None:
                quality.confusion.update(finished.labels, passage.truth)


class _Stage(threading.Thread):
    """The thread of a stage, which tells whether it still runs.

    `is_alive` does not: in Python 3.11 it is False after Ctrl-C has broken off a `join`.
    """

    def __init__(self, name: str, work: Callable[[str], None]) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self.ended = threading.Event()

    def run(self) -> None:
        self._work(self.name)
        self.ended.set()

    def is_running(self) -> bool:
        return self.ident is not None and not self.ended.is_set()


def _await(
    stages: list[_Stage],
    *,
    patience: float = math.inf,
    until: Callable[[], bool] = lambda: False,
) -> None:
    """Wait for stages, at most `patience` seconds; in short waits, or Ctrl-C would not get in."""
    end = perf_counter() + patience
    while running := [stage for stage in stages if stage.is_running()]:
        if until() or perf_counter() > end:
            return
        running[0].ended.wait(0.05)
