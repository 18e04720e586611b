from collections.abc import Iterator
from itertools import count

import pytest

from rtsdb.bench import record as module
from rtsdb.bench.record import LEAST, Record


@pytest.fixture(autouse=True)
def _clock_of_whole_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on by one second whenever a frame is finished."""
    seconds: Iterator[int] = count()
    monkeypatch.setattr(module, "perf_counter", lambda: float(next(seconds)))


def fed(record: Record, frames: int) -> Record:
    for index in range(frames):
        record.add(index / 1000, {"infer": index / 2000})
    record.close()
    return record


def test_frames_that_fill_and_those_after_the_time_do_not_count() -> None:
    record = fed(Record(fill=2, warmup=0, seconds=4), frames=9)
    assert record.filled_ms == [0, 1]
    assert record.frames_ms == [2, 3, 4, 5]
    assert record.stages_ms == {"infer": [1, 1.5, 2, 2.5]}
    assert record.is_over
    assert record.fps == 1


@pytest.mark.parametrize(("fill", "warmup"), [(5, 0), (1, 4), (3, 4)])
def test_warm_up_is_by_frames_and_by_seconds(fill: int, warmup: float) -> None:
    record = fed(Record(fill=fill, warmup=warmup, seconds=100), frames=8)
    assert len(record.filled_ms) == 5
    assert not record.is_over


def test_some_frames_count_however_long_they_take() -> None:
    record = fed(Record(fill=1, warmup=0, seconds=0), frames=20)
    assert len(record.frames_ms) == LEAST


def test_the_load_is_of_the_frames_that_count() -> None:
    record = fed(Record(fill=2, warmup=0, seconds=4), frames=6)
    assert record.load is not None
    assert record.load.rss_mb is not None
    assert record.load.rss_mb > 1
