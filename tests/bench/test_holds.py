from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from rtsdb.bench.holds import Largest, largest
from rtsdb.bench.model import Row, Setup
from rtsdb.bench.pareto import held_fps
from tests.bench.reports import make_row

SMALL, MIDDLE, BIG = (320, 192), (640, 384), (1280, 768)


def row(size: tuple[int, int], fps: float, *, stages: int = 1, engine: str = "openvino") -> Row:
    """A row whose pipeline comes to about that rate."""
    return make_row(Setup(engine, "fp32", stages, size), 1000 / fps)


def only(rows: list[Row], target: float) -> Largest:
    (found,) = largest(rows, target)
    return found


def test_the_largest_that_held_is_by_its_fastest_engine() -> None:
    rows = [row(SMALL, 90), row(MIDDLE, 40), row(MIDDLE, 50, engine="torch"), row(BIG, 10)]
    found = only(rows, 30)
    assert found.row is rows[2]


def test_each_k_is_on_its_own() -> None:
    found = largest([row(MIDDLE, 20, stages=3), row(MIDDLE, 60), row(SMALL, 80, stages=3)], 30)
    assert [(one.stages, one.row and one.row.setup.size) for one in found] == [
        (1, MIDDLE),
        (3, SMALL),
    ]


def test_sizes_between_are_estimated_from_the_nearest_rate() -> None:
    found = only([row(SMALL, 150), row(MIDDLE, 40), row(BIG, 9)], 30)
    assert found.row is not None
    assert found.row.setup.size == MIDDLE
    assert found.estimated == (704, 416)  # 640x384 x sqrt(~40 / 30), down to multiples of 32


def test_an_estimate_does_not_contradict_what_was_measured() -> None:
    assert only([row(SMALL, 31), row((352, 192), 11)], 30).estimated is None
    assert only([row(SMALL, 30.5), row((320, 224), 20)], 30).estimated is None


def test_where_none_holds_a_smaller_size_is_estimated_if_it_works() -> None:
    found = only([row(BIG, 8)], 30)
    assert found.row is None
    assert found.estimated == (640, 384)
    assert only([row(SMALL, 1)], 30) == Largest(1, None, None)


def test_rows_without_a_pipeline_tell_nothing() -> None:
    assert largest([Row(Setup("torch", "fp32", 1, SMALL), error="broken")], 30) == []


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(2, 40), st.integers(2, 40), st.floats(1, 200)), min_size=1, max_size=6
    ),
    st.floats(5, 100),
)
def test_it_held_and_the_estimate_lies_between(
    measured: list[tuple[int, int, float]], target: float
) -> None:
    rows = [row((32 * w, 32 * h), fps) for w, h, fps in measured]
    found = only(rows, target)
    if found.row is not None:
        assert (held_fps(found.row) or 0) >= target
    if found.estimated is not None:
        assert min(found.estimated) >= 64
        assert found.row is None or math.prod(found.estimated) > math.prod(found.row.setup.size)
