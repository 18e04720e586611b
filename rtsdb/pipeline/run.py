"""The pipeline: capture -> queue -> inference -> queue -> render and encode, a thread each."""

from __future__ import annotations

import math
import threading
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol

from rtsdb.data.degradations import NoiseSimulator
from rtsdb.engine.base import Engine
from rtsdb.errors import RtsdbError
from rtsdb.metrics import ConfusionMatrix, psnr
from rtsdb.noise import NoiseLevel, NoiseTracker
from rtsdb.pipeline.latency import LatencyReport
from rtsdb.pipeline.queues import BoundedQueue, Ended
from rtsdb.pipeline.ring import Passage, make_ring
from rtsdb.video.frame import FrameResult, Image, Labels
from rtsdb.video.sinks.base import Sink
from rtsdb.video.sources.base import Source

QUEUE = 2
"""Frames that may wait before inference, and again before rendering."""

IN_FLIGHT = 2
"""Frames that the engine has at once: the next one is gathered while one is computed."""

ENGINE_SLOTS = IN_FLIGHT + QUEUE + 2
"""Slots the engine needs: under way, waiting for the renderer, in its hands, on their way there."""

PATIENCE = 5.0
"""Seconds that a stopped stage may take to notice it, before it is left behind."""


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
    """What a run did: frames written, seconds, latency, drops by cause, quality."""

    latency: LatencyReport = field(default_factory=LatencyReport)
    dropped: Counter[str] = field(default_factory=Counter)
    quality: Quality = field(default_factory=Quality)
    frames: int = 0
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def fps(self) -> float:
        """Finished frames per second, from the first capture to the last output."""
        return self.frames / self.seconds if self.seconds else 0.0


class Pipeline:
    """One run from a source through an engine into a sink.

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
        composer: Composer | None,
        classes: int,
        sigma: float | None = None,
        simulate: NoiseSimulator | None = None,
        max_frames: int | None = None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._source, self._engine, self._sink, self._composer = source, engine, sink, composer
        self._sigma, self._simulate, self._max_frames = sigma, simulate, max_frames
        if engine.slots < ENGINE_SLOTS:
            raise ValueError(f"a pipeline needs an engine of {ENGINE_SLOTS} slots")
        self._progress = progress
        self._tracker = NoiseTracker()
        size = IN_FLIGHT + 2 * QUEUE + 2
        self._free = make_ring(source.info, size, simulated=simulate is not None)
        self._captured: BoundedQueue[Passage] = BoundedQueue(QUEUE)
        self._inferred: BoundedQueue[Passage] = BoundedQueue(QUEUE)
        self._stop = threading.Event()
        self._failures: list[tuple[str, BaseException]] = []
        self.summary = Summary()
        if source.info.truth:
            self.summary.quality.confusion = ConfusionMatrix(classes)

    def run(self) -> Summary:
        """Run to the end of the source, Ctrl-C, or the first failure.

        Frames under way when the source ends or fails are still finished and written. Ctrl-C
        ends the capture; a second one does not wait for the frames under way. Raises StageError
        when a stage failed, after all stages have stopped.
        """
        self._engine.prepare(self._source.info.height, self._source.info.width)
        stages = [
            threading.Thread(target=self._guard, args=(name,), name=name, daemon=True)
            for name in ("capture", "inference", "render")
        ]
        begin = perf_counter()
        for stage in stages:
            stage.start()
        try:
            _join(stages, until=lambda: bool(self._failures))
        except KeyboardInterrupt:
            self.summary.interrupted = True
        self._wind_up(stages)
        self.summary.seconds = perf_counter() - begin
        if self._failures:
            name, error = self._failures[0]
            raise StageError(name, str(error) or type(error).__name__) from error
        for stage in stages:
            if stage.is_alive():
                raise StageError(stage.name, f"did not stop within {PATIENCE:.0f} s")
        return self.summary

    def _wind_up(self, stages: list[threading.Thread]) -> None:
        """Stop the capture, let frames under way be finished, then give up on what hangs."""
        self._stop.set()
        self._free.end()
        capture, *others = stages
        try:
            _join([capture], patience=PATIENCE)
            self._captured.end()
            _join(others, patience=PATIENCE)
        except KeyboardInterrupt:
            self.summary.interrupted = True
        for queue in (self._captured, self._inferred):
            queue.end()
            queue.abandon()
        _join(stages, patience=PATIENCE)

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
            passage.trace.restart()
            with passage.trace.stage("capture"):
                passage.stamp = self._source.read(passage.clean)
                if passage.stamp is None:
                    return
                if passage.truth is not None:
                    self._source.read_truth(passage.truth)
                if self._simulate is not None:
                    self._simulate.apply(passage.clean, passage.frame, passage.stamp.index)
            count += 1
            if self._source.info.live:
                dropped = self._captured.put_newest(passage)
                if dropped is not None:
                    self.summary.dropped["queue"] += 1
                    self._free.put(dropped)
            else:
                self._captured.put(passage)

    def _infer(self) -> None:
        under_way: deque[Passage] = deque()
        ended = False
        while not ended or under_way:
            try:
                while not ended and len(under_way) < IN_FLIGHT:
                    passage = self._captured.get(wait=not under_way)
                    if passage is None:
                        break
                    self._submit(passage)
                    under_way.append(passage)
            except Ended:
                ended = True
            if under_way:
                self._collect(under_way.popleft())

    def _submit(self, passage: Passage) -> None:
        trace = passage.trace
        trace.wait("wait for engine")
        if self._sigma is None:
            with trace.stage("estimate"):
                noise = self._tracker.update(passage.frame)
        else:
            noise = NoiseLevel.awgn(self._sigma)
        passage.ticket = self._engine.submit(passage.frame, noise)

    def _collect(self, passage: Passage) -> None:
        assert passage.ticket is not None
        passage.result = self._engine.result(passage.ticket)
        timings, trace = passage.result.timings, passage.trace
        trace.charge("gather", timings.gather)
        trace.charge("infer", timings.infer)
        trace.charge("stitch", timings.stitch)
        trace.wait("wait for engine", less=timings.gather + timings.infer + timings.stitch)
        self._inferred.put(passage)

    def _render(self) -> None:
        while True:
            passage = self._inferred.get()
            assert passage is not None
            trace, result, stamp = passage.trace, passage.result, passage.stamp
            assert result is not None
            assert stamp is not None
            assert passage.ticket is not None
            trace.wait("wait for render")
            finished = FrameResult(stamp, passage.frame, result.denoised, result.labels)
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
            with suppress(Ended):  # no more frames are captured
                self._free.put(passage)

    def _measure(self, passage: Passage, finished: FrameResult) -> None:
        quality = self.summary.quality
        if self._simulate is None and passage.truth is None:
            return
        with passage.trace.stage("measure"):
            if self._simulate is not None:
                quality.add(passage.clean, finished.noisy, finished.denoised)
            if passage.truth is not None and quality.confusion is not None:
                quality.confusion.update(finished.labels, passage.truth)


def _join(
    threads: list[threading.Thread],
    *,
    patience: float = math.inf,
    until: Callable[[], bool] = lambda: False,
) -> None:
    """Wait for threads, at most `patience` seconds; in short waits, or Ctrl-C would not get in."""
    end = perf_counter() + patience
    while any(thread.is_alive() for thread in threads):
        if until() or perf_counter() > end:
            return
        for thread in threads:
            thread.join(0.05)
