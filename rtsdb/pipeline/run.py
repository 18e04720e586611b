"""The pipeline: capture -> queue -> inference -> queue -> render and encode, a thread each."""

from __future__ import annotations

import logging
import math
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter, sleep
from typing import Protocol

from rtsdb.data.noise_models import NoiseSimulator
from rtsdb.engine.base import Engine
from rtsdb.errors import HangsError
from rtsdb.metrics import ConfusionMatrix
from rtsdb.pipeline.engine_switch import EngineSwitch
from rtsdb.pipeline.frame_noise import FrameNoise
from rtsdb.pipeline.inference import Inference
from rtsdb.pipeline.last_moment import LastMoment
from rtsdb.pipeline.queues import BoundedQueue, Ended
from rtsdb.pipeline.ring import Passage, make_passage
from rtsdb.pipeline.stage import Patience, Stage, StageError
from rtsdb.pipeline.summary import Summary
from rtsdb.video.frame import FrameResult, Image, Labels, SourceInfo
from rtsdb.video.sinks.base import Sink
from rtsdb.video.sources.base import FrameSizeChanged, Source
from rtsdb.watchdog import Watchdog

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

PATIENCE = 4.0
"""Seconds without a finished frame after which a run that is to end leaves behind what hangs."""

_READ_SHARE = 0.5  # of that patience: for the frame that is being read
_SINK_SHARE = 0.75  # and for one of several sinks, or the others would not get their frames
_PARTING = 0.5  # seconds for what has nothing more to wait for
_IDLE = 0.05  # seconds between two calls of `Sink.idle`


class Composer(Protocol):
    """What draws the picture that is shown or kept (`rtsdb.video.views`)."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the views in pixels."""

    def compose(self, noisy: Image, denoised: Image, labels: Labels, index: int) -> Image:
        """Draw one frame's view."""


class Pipeline:
    """One run from a source through an engine into a sink.

    A source that waits, such as a file, is held back by the slowest stage, and no frame is lost.
    Of a live one the newest frames count: at most `QUEUE` wait, the oldest of them is dropped
    for a new one, and so is one older than `max_age` seconds when the engine has time for it. An
    engine that is busy gets the newest, no earlier than it needs it to go on (`LastMoment`).
    When its frames change size, all that is under way is finished first, and engine and composer
    are made ready for the new size; other sources raise FrameSizeChanged there.

    An engine that fails on single frames does not end the run (`Inference`). What hangs does
    (`Watchdog`), be it an engine, a disk that is read from, or a sink. switch: gives the engine of
    another K when the person watching asks for one; it takes over between two frames, and the
    present one is closed.

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
        switch: EngineSwitch | None = None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._source, self._sink = source, sink
        self._inference = Inference(engine, live=source.info.live)
        self._writes = Watchdog()
        self._switch = switch
        self._make_composer = composer
        self._composer: Composer | None = None
        self._simulate = simulate
        self._max_frames, self._max_age = max_frames, max_age
        if engine.slots < ENGINE_SLOTS:
            raise ValueError(f"a pipeline needs an engine of {ENGINE_SLOTS} slots")
        self._progress = progress
        self._noise = FrameNoise(sigma, live=source.info.live)
        self._last_moment = LastMoment()
        self._free: BoundedQueue[Passage] = BoundedQueue(RING)
        self._captured: BoundedQueue[Passage] = BoundedQueue(QUEUE)
        self._inferred: BoundedQueue[Passage] = BoundedQueue(QUEUE)
        self._stop = threading.Event()
        self._hanging: list[str] = []  # stages, as the watchdogs found them
        self._failures: list[tuple[str, BaseException]] = []
        self.summary = Summary()
        if source.info.truth:
            self.summary.quality.confusion = ConfusionMatrix(classes)

    @property
    def engine(self) -> Engine:
        """The engine in use; after the run, the last one."""
        return self._inference.engine

    def run(self) -> Summary:
        """Run to the end of the source, Ctrl-C, or the first failure.

        Frames under way when the source ends or fails are still finished and written. Ctrl-C
        ends the capture; a second one does not wait for the frames under way. Raises StageError
        when a stage failed, after all stages have stopped.
        """
        self._plan(self._source.info)
        stages = [Stage(name, self._guard) for name in ("capture", "inference", "render")]
        begin = perf_counter()
        try:
            for stage in reversed(stages):  # no frame is captured that nobody would finish
                stage.start()
            Patience().await_end(stages, until=lambda: self._is_over(stages))
        except KeyboardInterrupt:
            self.summary.interrupted = True
        self._wind_up(stages)
        running = [stage.name for stage in stages if stage.is_running()]
        self._leave_behind(running)
        if not running:
            for passage in self._ring:  # those that nobody wants any more
                self._inference.release(passage)
        self.summary.seconds = perf_counter() - begin
        self._count_events()
        if self._failures:
            name, error = self._failures[0]
            # Where something hangs, that is the cause to be told: nothing must wait for it.
            hangs = (e for _, e in self._failures if isinstance(e, HangsError))
            raise StageError(name, str(error) or type(error).__name__) from next(hangs, error)
        return self.summary

    def _plan(self, info: SourceInfo) -> None:
        """Make engine, composer and ring ready for frames of the source as it is now.

        All passages must be out of use, and so must be the slots of the engine.
        """
        self._inference.prepare(info.height, info.width)
        if self._make_composer is not None:
            self._composer = self._make_composer((info.width, info.height))
        self._ring = [make_passage(info, simulated=self._simulate is not None) for _ in range(RING)]
        for passage in self._ring:
            self._free.put(passage)

    def _is_over(self, stages: list[Stage]) -> bool:
        """Whether the engine fails, something hangs, or nobody wants more frames.

        A source that fails is at its end: what was captured takes its way.
        """
        self._find_hanging()
        failed = any(name != "capture" for name, _ in self._failures)
        return failed or bool(self._hanging) or not stages[-1].is_running()

    def _find_hanging(self) -> None:
        """Ask the watchdogs; the neighbours of a stage that hangs learn that it is over."""
        watchdogs = {
            "capture": self._source.watchdog,
            "inference": self._inference.watchdog,
            "render": None if self._sink.ends_hanging else self._writes,
        }
        for stage, watchdog in watchdogs.items():
            if watchdog is None or not watchdog.hangs():
                continue
            seconds = f"{watchdog.patience:.0f} s"
            why = {
                "capture": f"{self._source.info.name}: no frame for {seconds}; "
                "is the disk or server there that it lies on?",
                "inference": f"{self.engine.info.name}: no result for {seconds}; "
                "try another engine",
                "render": f"{self._sink.name}: took no frame for {seconds}",
            }
            self._failures.append((stage, HangsError(why[stage])))
            self._hanging.append(stage)
            self._cut_off(stage)

    def _wind_up(self, stages: list[Stage]) -> None:
        """Stop the capture, let frames under way be finished, then leave behind what hangs."""
        self._stop.set()
        self._free.end()
        capture, *others = stages
        patience = Patience(PATIENCE, progress=lambda: self.summary.frames)
        try:
            self._source.interrupt()
            self._sink.hurry(_SINK_SHARE * PATIENCE)
            patience.await_end(self._not_hanging([capture]), share=_READ_SHARE)
            self._captured.end()
            patience.await_end(self._not_hanging(others))
        except KeyboardInterrupt:
            self.summary.interrupted = True
            self._sink.hurry(_PARTING / 2)
        for queue in (self._captured, self._inferred):
            queue.end()
            queue.abandon()
        with suppress(KeyboardInterrupt):  # a third one
            Patience(_PARTING).await_end(stages)

    def _not_hanging(self, stages: list[Stage]) -> list[Stage]:
        return [stage for stage in stages if stage.name not in self._hanging]

    def _leave_behind(self, hanging: list[str]) -> None:
        """Take care that nothing waits for the stages that hang."""
        part = {"capture": self._source, "inference": self.engine, "render": self._sink}
        for name in hanging:
            part[name].left_behind = True
            self._failures.append((name, HangsError("did not stop in time")))

    def _count_events(self) -> None:
        """Take what befell the source into the summary."""
        events, summary = self._source.events, self.summary
        summary.dropped.update(events.dropped)
        summary.reconnects, summary.lost_seconds = events.reconnects, events.lost_seconds

    def _guard(self, name: str) -> None:
        """Run a stage; whatever happens, its neighbours learn that it is over."""
        work = {"capture": self._capture, "inference": self._infer, "render": self._render}
        try:
            work[name]()
        except Ended:
            pass
        except BaseException as error:
            self._failures.append((name, error))
        finally:
            self._cut_off(name)

    def _cut_off(self, name: str) -> None:
        """Nothing more comes from a stage, and nothing more is taken by it."""
        reads, writes = {
            "capture": (self._free, self._captured),
            "inference": (self._captured, self._inferred),
            "render": (self._inferred, self._free),
        }[name]
        writes.end()
        reads.abandon()

    def _capture(self) -> None:
        count = 0
        while not self._stop.is_set() and count != self._max_frames:
            self._change_engine()
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

    def _change_engine(self) -> None:
        """Go on with the engine that was asked for, if it is loaded by now."""
        if self._switch is None or not self._switch.ready:
            return
        passages = [self._free.get() for _ in range(RING)]  # then nothing is under way
        engine = self._switch.take()
        if engine is not None:
            self._inference.replace(engine)
            self._inference.prepare(self._source.info.height, self._source.info.width)
        for passage in passages:
            assert passage is not None
            self._free.put(passage)

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
                    bides = bool(under_way) and self._source.info.live
                    if bides:
                        self._bide(under_way[-1])
                    passage = self._captured.get(patience=0.0 if under_way else math.inf)
                    if passage is None:
                        break
                    if bides:
                        passage = self._newest(passage)
                    if self._is_stale(passage):
                        self._drop(passage, "age")
                        continue
                    self._submit(passage)
                    if not under_way:
                        self._last_moment.begins(perf_counter())
                    under_way.append(passage)
            except Ended:
                ended = True
            if under_way:
                self._collect(under_way.popleft())

    def _bide(self, computed: Passage) -> None:
        """While the engine computes a live frame: learn its noise, then let newer frames come."""
        self._noise.learn(computed)
        sleep(self._last_moment.seconds_left(perf_counter()))

    def _newest(self, passage: Passage) -> Passage:
        """The last of the frames that wait, of which `passage` is the first; others are dropped."""
        with suppress(Ended):
            while (newer := self._captured.get(patience=0.0)) is not None:
                self._drop(passage, "queue")
                passage = newer
        return passage

    def _is_stale(self, passage: Passage) -> bool:
        return self._source.info.live and perf_counter() - passage.trace.begin > self._max_age

    def _submit(self, passage: Passage) -> None:
        passage.trace.wait("wait for engine")
        passage.noise = self._noise.find(passage)
        self._inference.begin(passage)

    def _collect(self, passage: Passage) -> None:
        if not self._inference.finish(passage):
            self._drop(passage, "engine")
            return
        assert passage.result is not None
        self._last_moment.begins(perf_counter())  # on the next one, if it has that already
        timings, trace = passage.result.timings, passage.trace
        self._last_moment.took(timings)
        trace.charge("gather", timings.gather)
        trace.charge("infer", timings.infer)
        trace.charge("stitch", timings.stitch)
        trace.wait("wait for engine", less=timings.gather + timings.infer + timings.stitch)
        self._inferred.put(passage)

    def _render(self) -> None:
        while True:
            passage = self._inferred.get(patience=_IDLE)
            self._obey_keys()
            if passage is None:
                if not self._sink.idle():
                    return
                continue
            trace, result, stamp = passage.trace, passage.result, passage.stamp
            assert result is not None
            assert stamp is not None
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
            with trace.stage("encode"), self._writes.call(gives_result=True):
                wanted = self._sink.write(finished)
            self.summary.frames += 1
            self.summary.latency.add(trace)
            self._inference.release(passage)
            self._progress(self.summary.frames)
            if not wanted:
                return
            self._give_back(passage)

    def _obey_keys(self) -> None:
        """Have the engine loaded that the person watching asked for."""
        stages = None if self._switch is None else self._sink.stages_wanted()
        if self._switch is not None and stages is not None:
            self._switch.ask(stages, (self._source.info.height, self._source.info.width))

    def _measure(self, passage: Passage, finished: FrameResult) -> None:
        quality = self.summary.quality
        if self._simulate is None and passage.truth is None:
            return
        with passage.trace.stage("measure"):
            if self._simulate is not None:
                quality.add(passage.clean, finished.noisy, finished.denoised)
            if passage.truth is not None and quality.confusion is not None:
                quality.confusion.update(finished.labels, passage.truth)
