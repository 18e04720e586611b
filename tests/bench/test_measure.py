import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from rtsdb.bench.frames import Footage, load_footage
from rtsdb.bench.measure import Turn, combine, engine_turn, pipeline_turn
from rtsdb.bench.record import LEAST, Record
from rtsdb.classes import CAMVID
from rtsdb.errors import RtsdbError
from rtsdb.pipeline.latency import STAGES
from rtsdb.pipeline.run import IN_FLIGHT, RING
from tests.bench.doubles import ctrl_c_at, slow_engine
from tests.pipeline.doubles import HEIGHT, WIDTH
from tests.pipeline.running import fail_at


@pytest.fixture(scope="module")
def footage() -> Footage:
    return load_footage("demo", (WIDTH, HEIGHT))


def test_the_frames_that_fill_the_pipeline_are_not_in_the_record(footage: Footage) -> None:
    turn = pipeline_turn(slow_engine(), footage, CAMVID, warmup=0, seconds=0.05)
    assert len(turn.record.filled_ms) == RING
    assert len(turn.record.frames_ms) >= LEAST
    side = combine([turn])
    assert side.latency.count == len(turn.record.frames_ms)
    assert len(side.warmup_ms) == RING


def test_the_stages_of_a_frame_add_up_to_its_whole_way(footage: Footage) -> None:
    record = pipeline_turn(slow_engine(), footage, CAMVID, warmup=0, seconds=0.2).record
    assert set(record.stages_ms) == set(STAGES) - {"measure"}  # there is nothing to compare with
    sums = [sum(parts) for parts in zip(*record.stages_ms.values(), strict=True)]
    apart = [whole - parts for whole, parts in zip(record.frames_ms, sums, strict=True)]
    # Between two stages a thread may lose the processor, so of some frames a little is in none.
    assert statistics.median(apart) == pytest.approx(0, abs=0.01 * record.frames_ms[0])


def test_what_an_engine_says_of_its_stages_is_taken_as_it_is(footage: Footage) -> None:
    for turn in (
        engine_turn(slow_engine(), footage, warmup=0, seconds=0.02),
        pipeline_turn(slow_engine(), footage, CAMVID, warmup=0, seconds=0.02),
    ):
        assert set(turn.record.stages_ms["gather"]) == {0.2}
        assert set(turn.record.stages_ms["infer"]) == {1.5}
        assert set(turn.record.stages_ms["stitch"]) == {0.3}


def test_the_bare_engine_has_as_many_frames_under_way_as_in_the_pipeline(
    footage: Footage,
) -> None:
    engine = slow_engine()
    turn = engine_turn(engine, footage, warmup=0, seconds=0.02)
    assert engine.most_in_use == IN_FLIGHT
    assert not engine.in_use
    assert len(turn.record.filled_ms) == IN_FLIGHT
    assert len(turn.enqueue_ms) == len(turn.record.frames_ms)


def test_one_slow_frame_among_many_shows(footage: Footage) -> None:
    def stumble(ticket: int) -> None:
        time.sleep(0.1 if ticket == IN_FLIGHT + 1 else 0)

    side = combine([engine_turn(slow_engine(stumble), footage, warmup=0, seconds=0.3)])
    assert side.latency.max > max(100, side.latency.p50)
    assert side.latency.max in side.rounds[0].frames_ms


def test_a_turn_has_some_frames_however_long_they_take(footage: Footage) -> None:
    turn = engine_turn(slow_engine(), footage, warmup=0, seconds=0.0)
    assert len(turn.record.frames_ms) == LEAST


def test_an_engine_goes_from_turn_to_turn(footage: Footage) -> None:
    engine = slow_engine()
    for _ in range(2):
        engine_turn(engine, footage, warmup=0, seconds=0)
        pipeline_turn(engine, footage, CAMVID, warmup=0, seconds=0)
        assert not engine.in_use


def test_a_file_is_decoded_and_encoded(make_clip: Callable[..., Path]) -> None:
    path = make_clip(size=(WIDTH, HEIGHT), pts=range(4))
    footage = load_footage(str(path), (WIDTH, HEIGHT))
    stages = pipeline_turn(slow_engine(), footage, CAMVID, warmup=0, seconds=0.05).record.stages_ms
    for name in ("capture", "estimate", "render", "encode"):
        assert min(stages[name]) > 0


def test_a_failing_engine_leaves_nothing_under_way(footage: Footage) -> None:
    engine = slow_engine(fail_at(IN_FLIGHT + 1, RtsdbError("the cable is out")))
    with pytest.raises(RtsdbError, match="cable"):
        engine_turn(engine, footage, warmup=0, seconds=1)
    assert not engine.in_use


@pytest.mark.parametrize("side", ["engine", "pipeline"])
def test_ctrl_c_ends_a_turn(footage: Footage, side: str) -> None:
    turn = {
        "engine": engine_turn,
        "pipeline": partial(pipeline_turn, classes=CAMVID),
    }[side]
    with pytest.raises(KeyboardInterrupt):
        turn(slow_engine(ctrl_c_at(5)), footage, warmup=0, seconds=30)


def turn_of(fill: list[float], frames: list[float]) -> Turn:
    record = Record(fill=len(fill), warmup=0, seconds=0)
    for ms in (*fill, *frames):
        record.add(ms / 1000, {"infer": ms / 2000})
    record.close()
    return Turn(record, dropped={"queue": 1}, enqueue_ms=[1.0])


def test_turns_are_combined_frame_by_frame() -> None:
    turns = [turn_of([90, 80], [1, 2, 3]), turn_of([70], [4, 5, 6])]
    side = combine(turns)
    assert side.warmup_ms == pytest.approx((90, 80, 70))
    assert side.latency.count == 6
    assert side.latency.mean == pytest.approx(3.5)
    assert side.latency.max == pytest.approx(6)
    assert side.stages["infer"].mean == pytest.approx(1.75)
    assert [turn.frames_ms for turn in side.rounds] == [
        pytest.approx((1, 2, 3)),
        pytest.approx((4, 5, 6)),
    ]
    assert side.fps == statistics.median(turn.fps for turn in side.rounds)
    assert side.dropped == {"queue": 2}
    assert side.enqueue is not None
    assert side.enqueue.count == 2
