import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtsdb.engine.base import Result, Timings
from rtsdb.pipeline.last_moment import LastMoment
from tests.pipeline.doubles import FakeEngine, FakeSink, FakeSource
from tests.pipeline.running import run

SECONDS = st.floats(0, 10, allow_nan=False)


def test_the_first_frame_is_not_waited_for() -> None:
    moment = LastMoment()
    moment.begins(7.0)
    assert moment.seconds_left(7.0) == 0


def test_what_a_frame_needs_before_it_is_computed_is_left_room_for() -> None:
    moment = LastMoment()
    moment.begins(7.0)
    moment.took(Timings(gather=0.0, infer=1.0, stitch=0.5))
    without = moment.seconds_left(7.0)
    moment.took(Timings(gather=0.2, infer=1.0, stitch=0.5))
    assert moment.seconds_left(7.0) == pytest.approx(without - 0.4)


def test_a_frame_that_took_long_by_chance_holds_none_up() -> None:
    moment = LastMoment()
    moment.begins(7.0)
    moment.took(Timings(gather=0.0, infer=1.0, stitch=0.0))
    expected = moment.seconds_left(7.0)
    moment.took(Timings(gather=0.0, infer=50.0, stitch=0.0))
    assert moment.seconds_left(7.0) == expected
    for _ in range(3):
        moment.took(Timings(gather=0.0, infer=2.0, stitch=0.0))
    assert moment.seconds_left(7.0) > expected


@given(SECONDS, SECONDS, SECONDS, SECONDS)
def test_it_never_lasts_until_the_engine_is_done(
    began: float, gather: float, infer: float, later: float
) -> None:
    moment = LastMoment()
    moment.took(Timings(gather, infer, stitch=1.0))
    moment.begins(began)
    left = moment.seconds_left(began + later)
    assert 0 <= left <= max(0.0, infer - later) + 1e-9


class ForeverEngine(FakeEngine):
    """Says of every frame that it took long."""

    def result(self, ticket: int) -> Result:
        return super().result(ticket)._replace(timings=Timings(0.0, 1000.0, 0.0))


@pytest.mark.parametrize("live", [True, False])
def test_only_live_frames_are_waited_for(live: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("rtsdb.pipeline.run.sleep", waits.append)
    run(FakeSource(6, live=live), ForeverEngine(), FakeSink())
    assert any(seconds > 0 for seconds in waits) == live


def test_a_busy_engine_gets_the_newest_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    source, sink = FakeSource(6, live=True), FakeSink()

    def let_all_come(_: float) -> None:
        while source.index < source.frames:
            time.sleep(0.001)

    monkeypatch.setattr("rtsdb.pipeline.run.sleep", let_all_come)
    summary = run(source, FakeEngine(), sink)
    assert sink.indices()[1:] == [5]
    assert summary.dropped == {"queue": 4}
