"""Every fault that a source, an engine, a sink or a person can put in the way of a run.

Beside what is asserted here, `conftest.py` sees to it that no test leaves a thread or an open file.
"""

import _thread
import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import numpy as np
import pytest

from rtsdb.classes import CAMVID
from rtsdb.errors import HangsError, RtsdbError
from rtsdb.pipeline import inference as inference_module
from rtsdb.pipeline import run as run_module
from rtsdb.pipeline import stage as stage_module
from rtsdb.pipeline.stage import Patience, Stage, StageError
from rtsdb.video.sinks import FanOut, fan_out
from rtsdb.video.sinks.video_file import VideoFileSink
from rtsdb.video.sources.file import VideoFileSource
from rtsdb.video.sources.paced import PacedSource
from rtsdb.video.views import ViewComposer
from rtsdb.watchdog import Watchdog
from tests.pipeline.doubles import HEIGHT, WIDTH, FakeEngine, FakeSink, FakeSource
from tests.pipeline.running import Clock, await_that, fail_at, fail_from, one_by_one, run

BROKEN = RuntimeError("out of memory")


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """What a hanging part waits for; set in the end, so that its thread ends."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def in_time() -> Iterator[None]:
    """The test does not wait for what hangs, which takes a minute."""
    begin = time.monotonic()
    yield
    assert time.monotonic() - begin < 45


@pytest.fixture
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What hangs when a run is to end is soon left behind."""
    monkeypatch.setattr(run_module, "PATIENCE", 0.5)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not hang has time to end, however slow the machine is."""
    monkeypatch.setattr(run_module, "PATIENCE", 60.0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, patient: None) -> Clock:
    """For the watchdog of what hangs; no other call can, as the clocks of those stand still.

    As shipped it is found within 5 s, too: tests/test_watchdog.py.
    """
    for module in (inference_module, run_module, fan_out):
        watch_with(monkeypatch, module)
    return Clock()


def watch_with(monkeypatch: pytest.MonkeyPatch, module: ModuleType, *clocks: Clock) -> None:
    """Give the watchdogs that a module makes these clocks, and then some that stand still."""
    left = iter(clocks)
    monkeypatch.setattr(module, "Watchdog", lambda: Watchdog(next(left, lambda: 0.0)))


@pytest.fixture
def sigterm_is_ctrl_c() -> Iterator[None]:
    """As `rtsdb` has it."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, before)


def hang_from(
    index: int, release: threading.Event, clock: Clock | None = None
) -> Callable[[int], None]:
    def hook(now: int) -> None:
        if now >= index:
            if clock is not None:
                clock.run()
            release.wait(60)

    return hook


# The source. Stalls and changed sizes of live ones: test_live.py, test_gap.py, and those of
# tests/video/sources


def test_frames_captured_before_the_source_dies_are_written() -> None:
    sink = FakeSink()
    source = FakeSource(hook=fail_at(6, RtsdbError("cam: cable pulled")))
    with pytest.raises(StageError, match="capture stage: cam: cable pulled"):
        run(source, FakeEngine(), sink)
    assert sink.indices() == list(range(6))


@pytest.mark.usefixtures("little_patience")
def test_a_slow_engine_finishes_them_too() -> None:
    engine, sink = FakeEngine(hook=lambda _: time.sleep(0.8)), FakeSink()
    with pytest.raises(StageError, match="capture stage: cam: cable pulled"):
        run(FakeSource(hook=fail_at(3, RtsdbError("cam: cable pulled"))), engine, sink)
    assert sink.indices() == [0, 1, 2]


@pytest.mark.usefixtures("in_time")
def test_a_disk_that_stalls_is_named(release: threading.Event, clock: Clock) -> None:
    source = FakeSource(1000, hook=hang_from(4, release, clock), watchdog=Watchdog(clock))
    engine, sink = FakeEngine(), FakeSink()
    with pytest.raises(StageError, match="capture stage: fake: no frame for") as caught:
        run(source, engine, sink)
    assert sink.indices() == [0, 1, 2, 3]
    assert isinstance(caught.value.__cause__, HangsError)
    assert source.left_behind
    assert not engine.in_use


@pytest.mark.usefixtures("in_time")
def test_a_disk_that_stalls_is_named_where_its_frames_are_paced(
    release: threading.Event, clock: Clock
) -> None:
    disk = FakeSource(1000, hook=hang_from(4, release, clock), watchdog=Watchdog(clock))
    source, sink = PacedSource(disk), FakeSink()
    with pytest.raises(StageError, match="capture stage: fake: no frame for"):
        run(source, FakeEngine(), sink)
    assert sink.indices()[-1] == 3
    assert source.left_behind


def test_a_recording_that_breaks_off_in_garbage(
    make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    clip = make_clip(size=(96, 64), pts=range(60), options={"movflags": "faststart"})
    out, whole = tmp_path / "out.mp4", clip.read_bytes()
    kept = len(whole) // 2
    clip.write_bytes(whole[:kept] + np.random.default_rng(0).bytes(len(whole) - kept))
    with VideoFileSource(clip) as source, VideoFileSink(out, "x264") as sink:
        sink.open(source.info, (96, 64))
        with pytest.raises(StageError, match=r"capture stage: .*clip\.mp4: breaks off at frame"):
            run(source, FakeEngine(), sink, composer=denoised_view)
    assert 1 <= len(times_in(out)) < 60


# The engine


@pytest.mark.parametrize("when", ["hook", "on_submit"])
def test_a_frame_of_a_file_on_which_the_engine_fails_is_tried_again(
    when: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine, sink = FakeEngine(), FakeSink()
    setattr(engine, when, fail_at(4, BROKEN))
    summary = run(FakeSource(20), engine, sink)
    assert [(stamp.index, least) for stamp, least, _ in sink.written] == [
        (n, 100 + n) for n in range(20)
    ]
    assert not engine.in_use
    assert not summary.dropped
    assert caplog.messages == ["fake failed on frame 4 (out of memory); trying again"]


@pytest.mark.parametrize("when", ["hook", "on_submit"])
def test_a_live_frame_on_which_the_engine_fails_is_left_out(
    when: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine, sink = FakeEngine(), FakeSink()
    setattr(engine, when, fail_at(4, BROKEN))
    source = FakeSource(20, live=True)
    source.hook = one_by_one(source, engine)
    summary = run(source, engine, sink)
    assert summary.dropped == {"engine": 1}
    assert sink.indices() == [*range(4), *range(5, 20)]
    assert not engine.in_use
    assert caplog.messages == ["fake failed on frame 4 (out of memory); it is left out"]


@pytest.mark.parametrize("when", ["hook", "on_submit"])
def test_an_engine_that_goes_on_failing_ends_a_file(when: str) -> None:
    engine, sink = FakeEngine(), FakeSink()
    setattr(engine, when, fail_from(4, BROKEN))
    with pytest.raises(StageError, match="inference stage: out of memory"):
        run(FakeSource(), engine, sink)
    assert sink.indices() == list(range(4))


@pytest.mark.parametrize("when", ["hook", "on_submit"])
def test_three_live_frames_in_a_row_end_the_run(when: str) -> None:
    failed = []

    def fail(ticket: int) -> None:
        if ticket >= 6 or ticket in (2, 3):
            failed.append(ticket)
            raise BROKEN

    engine, sink = FakeEngine(), FakeSink()
    setattr(engine, when, fail)
    source = FakeSource(10_000, live=True)
    source.hook = one_by_one(source, engine)
    with pytest.raises(StageError, match="inference stage: out of memory"):
        run(source, engine, sink)
    assert len(sink.written) == 4
    assert failed[:5] == [2, 3, 6, 7, 8]


@pytest.mark.usefixtures("in_time")
def test_an_engine_that_hangs_is_named(
    release: threading.Event, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch_with(monkeypatch, inference_module, clock)
    engine, sink = FakeEngine(hook=hang_from(4, release, clock)), FakeSink()
    with pytest.raises(StageError, match="inference stage: fake: no result for") as caught:
        run(FakeSource(1000), engine, sink)
    assert sink.indices() == list(range(4))
    assert isinstance(caught.value.__cause__, HangsError)
    assert engine.left_behind


@pytest.mark.usefixtures("in_time")
def test_an_engine_that_hangs_in_submit(
    release: threading.Event, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch_with(monkeypatch, inference_module, clock)
    engine = FakeEngine(on_submit=hang_from(4, release, clock))
    source = FakeSource(1000, live=True)
    source.hook = one_by_one(source, engine)
    with pytest.raises(StageError, match="inference stage: fake: no result for"):
        run(source, engine, FakeSink())
    assert engine.left_behind


HANGING_RUN = """
import sys, threading
from rtsdb.engine.onnxruntime import OnnxRuntimeEngine
from rtsdb.pipeline import inference, run
from rtsdb.watchdog import Watchdog

compute, runs, now = OnnxRuntimeEngine._run, [], 0.0

def clock():  # goes once the engine hangs, 0.25 s from look to look
    global now
    now += 0.25 * (len(runs) > 5)
    return now

def hang(engine, binding):
    runs.append(binding)
    if len(runs) > 5:
        threading.Event().wait()
    return compute(engine, binding)

OnnxRuntimeEngine._run = hang
inference.Watchdog = lambda: Watchdog(clock)
run.Watchdog = lambda: Watchdog(lambda: 0.0)
run.PATIENCE = 60.0
from rtsdb.cli import main
main()
"""


def test_the_process_ends_though_the_engine_hangs(
    make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    clip, out = make_clip(size=(96, 64), pts=range(100)), tmp_path / "out.mp4"
    arguments = ["run", "--source", clip, "--sink", out, "--engine", "onnxruntime"]
    command = [sys.executable, "-c", HANGING_RUN, *arguments, "--precision", "fp32"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stderr
    assert "rtsdb: inference stage: onnxruntime: no result for" in done.stderr
    assert len(times_in(out)) == 5


# The sink


def test_a_failing_sink_ends_the_run() -> None:
    sink = FakeSink(hook=fail_at(3, OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(StageError, match=r"render stage: .*No space left"):
        run(FakeSource(1000), FakeEngine(), sink)
    assert sink.indices() == [0, 1, 2]


@pytest.mark.usefixtures("in_time")
def test_a_sink_that_blocks_is_named(
    release: threading.Event, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch_with(monkeypatch, run_module, clock)
    sink = FakeSink(hook=hang_from(3, release, clock))
    with pytest.raises(StageError, match=r"render stage: fake: took no frame for \d"):
        run(FakeSource(1000), FakeEngine(), sink)
    assert sink.left_behind
    assert sink.indices() == [0, 1, 2]


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("live", [False, True])
def test_one_of_several_that_blocks_is_left_out(
    release: threading.Event, clock: Clock, monkeypatch: pytest.MonkeyPatch, live: bool
) -> None:
    watch_with(monkeypatch, fan_out, clock)
    source, engine, other = FakeSource(200, live=live), FakeEngine(), FakeSink()
    in_step = one_by_one(source, engine)

    def produce(index: int) -> None:
        time.sleep(0.01)
        if index < 6:  # none of these is dropped
            in_step(index)

    source.hook = produce
    fan = FanOut([FakeSink(hook=hang_from(3, release, clock)), other])
    fan.open(source.info, (WIDTH, HEIGHT))
    summary = run(source, engine, fan)
    with pytest.raises(RtsdbError, match=r"nothing happened for"):
        fan.close()
    assert summary.frames + summary.dropped.total() == 200
    assert len(other.written) == summary.frames > 3


def test_as_shipped_a_run_ends_within_5_seconds_of_the_call_that_hangs() -> None:
    watched = Watchdog()
    for _ in range(3):
        with watched.call(gives_result=True):
            pass
    assert watched.patience + run_module._PARTING < 5


def test_as_shipped_a_sink_that_hangs_is_given_up_before_the_others_are() -> None:
    assert run_module._SINK_SHARE * run_module.PATIENCE < run_module.PATIENCE - 0.5


def test_one_of_several_may_be_slow_at_its_first_frame(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch_with(monkeypatch, fan_out, clock)
    source = FakeSource(20)
    slow = FakeSink(hook=lambda index: clock.spend(6) if index == 0 else None)
    with FanOut([slow, FakeSink()]) as fan:
        fan.open(source.info, (WIDTH, HEIGHT))
        assert run(source, FakeEngine(), fan).frames == 20
    assert slow.indices() == list(range(20))


class Noise:
    """Views that need much room on a disk."""

    size = (WIDTH, HEIGHT)

    def __init__(self, _: tuple[int, int] = size) -> None:
        self._noise = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)

    def compose(self, *what: object) -> np.ndarray:
        return np.roll(self._noise, what[-1])


FULL = r"out\.mp4: writing failed \(no space left on device\); "


def test_a_full_disk_ends_the_run(small_disk: Path) -> None:
    source = FakeSource(400)
    with VideoFileSink(small_disk / "out.mp4", "x264") as sink:
        sink.open(source.info, Noise.size)
        with pytest.raises(StageError, match=FULL) as caught:
            run(source, FakeEngine(), sink, composer=Noise)
    (part,) = small_disk.iterdir()
    assert f"holds the first {len(times_in(part))} of" in str(caught.value)


def test_a_full_disk_costs_another_output_nothing(small_disk: Path, tmp_path: Path) -> None:
    source, other = FakeSource(400), tmp_path / "b.mp4"
    fan = FanOut([VideoFileSink(small_disk / "out.mp4", "x264"), VideoFileSink(other, "x264")])
    fan.open(source.info, Noise.size)
    assert run(source, FakeEngine(), fan, composer=Noise).frames == 400
    with pytest.raises(RtsdbError, match=FULL):
        fan.close()
    assert len(times_in(other)) == 400


def test_a_file_stays_playable_when_the_engine_dies(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    source = FakeSource(50)
    engine = FakeEngine(hook=fail_from(30, RuntimeError("lost the device")))
    with VideoFileSink(out, "x264") as sink:
        sink.open(source.info, (WIDTH, HEIGHT))
        with pytest.raises(StageError, match="lost the device"):
            run(source, engine, sink, composer=denoised_view)
    assert times_in(out) == [Fraction(3 * i**2, 90000) for i in range(30)]


# Two at once


@pytest.mark.usefixtures("in_time", "little_patience")
@pytest.mark.parametrize("stage", ["capture", "inference", "render"])
def test_a_stage_that_hangs_while_another_fails_does_not_hang_the_run(
    stage: str, release: threading.Event
) -> None:
    hanging = threading.Event()

    def hang(index: int) -> None:
        if index == 2:
            hanging.set()
            release.wait(60)

    def fail(index: int) -> None:
        if index >= (3 if stage == "render" else 0):
            hanging.wait(60)
            raise RuntimeError("broken")

    source, engine, sink = FakeSource(1000), FakeEngine(), FakeSink()
    hangs = {"capture": source, "inference": engine, "render": sink}[stage]
    (engine if stage == "render" else sink).hook = fail
    hangs.hook = hang
    with pytest.raises(StageError, match="broken") as caught:
        run(source, engine, sink)
    assert isinstance(caught.value.__cause__, HangsError)
    assert hangs.left_behind


# The person: Ctrl-C, which SIGTERM is taken for. With real signals: test_cli.py


@pytest.mark.usefixtures("patient")
def test_ctrl_c_finishes_the_frames_under_way() -> None:
    source, sink = FakeSource(100_000), FakeSink()

    def interrupt(index: int) -> None:
        if index == 5:
            _thread.interrupt_main()
        time.sleep(0.005)

    sink.hook = interrupt
    summary = run(source, FakeEngine(), sink)
    assert summary.interrupted
    assert sink.indices() == list(range(len(sink.written)))
    assert len(sink.written) == source.given


def test_frames_under_way_are_finished_however_long_they_take_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sink, source, finished = FakeSink(), FakeSource(1000), [0]
    now, looks = 0.0, 0

    class Looked:
        def look(self) -> float:
            nonlocal looks
            looks += 1
            return now

    monkeypatch.setattr(stage_module, "AwakeClock", Looked)
    monkeypatch.setattr(run_module, "_READ_SHARE", 15.0)  # or a frame just read might be lost

    def slow(ticket: int) -> None:
        nonlocal now
        if ticket == 2:
            _thread.interrupt_main()
        await_that(lambda: finished[-1] == ticket)
        before = looks
        await_that(lambda: looks >= before + 2)  # the main thread has seen that it is finished
        now += 0.75 * run_module.PATIENCE

    run(source, FakeEngine(hook=slow), sink, progress=finished.append)
    assert len(sink.written) == source.given < 1000


@pytest.mark.usefixtures("in_time", "little_patience")
@pytest.mark.parametrize("stage", ["capture", "inference", "render"])
def test_ctrl_c_ends_the_run_whatever_hangs(
    stage: str, release: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Parting(Patience):
        """Ends when all but what hangs have ended."""

        def await_end(self, stages: Sequence[Stage], **options: Any) -> None:
            super().await_end(stages, **options)
            if self._seconds == 0.51:
                for other in stages:
                    if other.name != stage:
                        other.wait(60)

    monkeypatch.setattr(run_module, "_PARTING", 0.51)
    monkeypatch.setattr(run_module, "Patience", Parting)
    source, engine, sink = FakeSource(1000), FakeEngine(), FakeSink()

    def hang(index: int) -> None:
        if index == 3:
            await_that(lambda: len(sink.written) == 3)
            _thread.interrupt_main()
            release.wait(60)

    {"capture": source, "inference": engine, "render": sink}[stage].hook = hang
    with pytest.raises(StageError, match=f"{stage} stage: did not stop"):
        run(source, engine, sink)
    assert sink.indices() == [0, 1, 2]


@pytest.mark.usefixtures("in_time", "sigterm_is_ctrl_c")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_of_several_sinks_that_blocks_costs_the_others_nothing(
    number: signal.Signals,
    release: threading.Event,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watch_with(monkeypatch, fan_out, clock)
    monkeypatch.setattr(run_module, "_SINK_SHARE", 0.5 / run_module.PATIENCE)
    source, other = FakeSource(1000), FakeSink()
    fan = FanOut([FakeSink(hook=hang_from(3, release, clock)), other])
    other.hook = lambda index: os.kill(os.getpid(), number) if index == 4 else None
    fan.open(source.info, (WIDTH, HEIGHT))
    assert run(source, FakeEngine(), fan).interrupted
    with pytest.raises(RtsdbError, match="nothing happened for"):
        fan.close()
    assert other.indices() == list(range(source.given))


@pytest.mark.usefixtures("in_time")
def test_a_second_ctrl_c_waits_for_nothing(
    monkeypatch: pytest.MonkeyPatch, release: threading.Event, clock: Clock
) -> None:
    watch_with(monkeypatch, fan_out, clock)
    monkeypatch.setattr(run_module, "_PARTING", 12.0)  # the sink is given up after the half of it
    source, other = FakeSource(1000), FakeSink()

    def insist(index: int) -> None:
        if index == 3:
            await_that(lambda: source.given > 6)  # more than the sink has room for: the run waits
            _thread.interrupt_main()
            source.interrupted.wait(60)
            _thread.interrupt_main()
            clock.run()
            release.wait(60)

    fan = FanOut([FakeSink(hook=insist), other])
    fan.open(source.info, (WIDTH, HEIGHT))
    assert run(source, FakeEngine(), fan).interrupted
    with pytest.raises(RtsdbError, match="nothing happened for"):
        fan.close()
    assert other.indices()[:4] == [0, 1, 2, 3]


@pytest.mark.usefixtures("in_time")
def test_a_third_ctrl_c_waits_not_even_for_the_parting(
    monkeypatch: pytest.MonkeyPatch, release: threading.Event
) -> None:
    parting = threading.Event()

    class Noted(Patience):
        def await_end(self, *arguments: Any, **options: Any) -> None:
            if self._seconds == 61.0:
                parting.set()
            super().await_end(*arguments, **options)

    monkeypatch.setattr(run_module, "PATIENCE", 60.0)
    monkeypatch.setattr(run_module, "_PARTING", 61.0)
    monkeypatch.setattr(run_module, "Patience", Noted)
    source = FakeSource(1000)

    def insist(index: int) -> None:
        if index == 3:
            _thread.interrupt_main()
            source.interrupted.wait(60)
            _thread.interrupt_main()
            parting.wait(60)
            await_that(lambda: not {"capture", "inference"} & names_of_threads())
            _thread.interrupt_main()
            release.wait(60)

    sink = FakeSink(hook=insist)
    with pytest.raises(StageError, match="render stage: did not stop in time"):
        run(source, FakeEngine(), sink)
    assert sink.left_behind


def names_of_threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def denoised_view(size: tuple[int, int]) -> ViewComposer:
    return ViewComposer("denoised", size, CAMVID)


def times_in(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]
