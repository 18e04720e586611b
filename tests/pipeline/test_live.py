"""What holds for live sources alone: stale frames, new sizes, losses, interrupts."""

import _thread
import time
from collections import Counter

import pytest

from rtsdb.classes import CAMVID
from rtsdb.pipeline.stage import StageError
from rtsdb.video.sources.base import SourceEvents
from rtsdb.video.views import ViewComposer
from tests.pipeline.doubles import HEIGHT, WIDTH, FakeEngine, FakeSink, FakeSource
from tests.pipeline.running import await_that, run

LARGER = (2 * HEIGHT, 2 * WIDTH)


def test_frames_too_old_for_the_engine_are_dropped_and_counted() -> None:
    engine, sink = FakeEngine(), FakeSink()
    summary = run(FakeSource(12, live=True, age=60.0), engine, sink, max_age=50.0)
    assert not sink.written
    assert not engine.submitted
    assert summary.dropped.total() == 12
    assert summary.dropped["age"] >= 1


def test_the_latency_counts_from_the_arrival_of_the_frame() -> None:
    source = FakeSource(1, live=True, age=3.0)
    summary = run(source, FakeEngine(), FakeSink(), max_age=50.0)
    latency = summary.latency.percentiles()
    assert latency["capture"].max >= 3000
    assert latency["capture to output"].max >= 3000


def test_frames_of_files_never_get_too_old() -> None:
    sink = FakeSink(hook=lambda _: time.sleep(0.02))
    summary = run(FakeSource(12, age=60.0), FakeEngine(), sink, max_age=0.001)
    assert sink.indices() == list(range(12))
    assert not summary.dropped


def test_a_live_source_may_change_its_size() -> None:
    source = FakeSource(20, live=True, sizes={6: LARGER, 15: (HEIGHT, WIDTH)})
    engine, sink = FakeEngine(), FakeSink()
    source.hook = lambda _: time.sleep(0.005)
    summary = run(
        source, engine, sink, composer=lambda size: ViewComposer("denoised", size, CAMVID)
    )
    assert engine.prepared == [(HEIGHT, WIDTH), LARGER, (HEIGHT, WIDTH)]
    for (stamp, least, most), shape in zip(sink.written, sink.shapes, strict=True):
        assert shape == ((*LARGER, 3) if 6 <= stamp.index < 15 else (HEIGHT, WIDTH, 3))
        assert least == most == 100 + stamp.index
    assert {5, 14, 19} <= set(sink.indices())  # all that was under way is finished first
    assert summary.dropped["queue"] + summary.frames == 20


def test_a_file_may_not_change_its_size() -> None:
    sink = FakeSink()
    with pytest.raises(StageError, match="capture stage: fake: 192x128 pixels now"):
        run(FakeSource(20, sizes={6: LARGER}), FakeEngine(), sink)
    assert sink.indices() == list(range(6))


def test_what_befell_the_source_is_in_the_summary() -> None:
    happened = SourceEvents(2, 7.5, Counter(source=3, damaged=1))
    summary = run(FakeSource(1, live=True, happened=happened), FakeEngine(), FakeSink())
    assert (summary.reconnects, summary.lost_seconds) == (2, 7.5)
    assert summary.dropped == Counter(source=3, damaged=1)


def test_ctrl_c_interrupts_a_read_that_waits() -> None:
    source, sink = FakeSource(live=True), FakeSink()

    def stall(index: int) -> None:
        if index == 3:
            _thread.interrupt_main()
            source.interrupted.wait(60)

    source.hook = stall
    begin = time.monotonic()
    summary = run(source, FakeEngine(), sink)
    assert time.monotonic() - begin < 30
    assert summary.interrupted
    assert sink.indices()[-1] == 2


def test_the_viewer_can_stop_while_no_frame_comes() -> None:
    source, sink = FakeSource(live=True), FakeSink()

    def stall(index: int) -> None:
        if index == 3:
            sink.watched = False
            source.interrupted.wait(60)

    source.hook = stall
    begin = time.monotonic()
    summary = run(source, FakeEngine(), sink)
    assert time.monotonic() - begin < 30
    assert not summary.interrupted


@pytest.mark.parametrize("live", [True, False])
def test_frames_take_a_bounded_room_however_slow_the_sink(live: bool) -> None:
    source = FakeSource(150, live=live, hook=lambda _: time.sleep(0.001))
    engine = FakeEngine()

    def slow(_: int) -> None:
        time.sleep(0.01)
        await_that(lambda: not live or source.index >= 30)  # a live one goes on meanwhile

    summary = run(source, engine, FakeSink(hook=slow))
    assert summary.frames + summary.dropped["queue"] == 150
    assert bool(summary.dropped) == live
    assert len(source.buffers) <= 8
    assert engine.most_in_use <= engine.slots
