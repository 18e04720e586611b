from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rtsdb.video.sources.pts import GrowingPts, LivePts


@given(st.lists(st.none() | st.integers(-(10**6), 10**6)))
def test_times_always_grow(times: list[int | None]) -> None:
    clock = GrowingPts(Fraction(1, 90000), Fraction(30))
    placed = [clock.place(t) for t in times]
    assert all(a < b for a, b in pairwise(placed))


@given(st.lists(st.integers(0, 10**6), unique=True))
def test_growing_times_pass_unchanged(times: list[int]) -> None:
    clock = GrowingPts(Fraction(1, 1000), None)
    assert [clock.place(t) for t in sorted(times)] == sorted(times)


@given(
    st.lists(
        st.tuples(st.none() | st.integers(-(10**9), 10**9), st.floats(0, 5)),
        min_size=2,
        max_size=50,
    )
)
def test_live_times_grow_and_never_run_far_ahead_of_the_clock(
    given: list[tuple[int | None, float]],
) -> None:
    clock, arrived = LivePts(Fraction(1, 1000)), 100.0
    placed = []
    for pts, passed in given:
        arrived += passed
        placed.append((clock.place(pts, arrived), arrived))
    for (before, then), (after, now) in pairwise(placed):
        assert 0 < after - before <= 1000 * (now - then) + 10_001


@given(st.lists(st.integers(0, 9000), unique=True), st.integers(-(10**9), 10**9))
def test_live_times_pass_unchanged_however_they_arrive(times: list[int], start: int) -> None:
    clock = LivePts(Fraction(1, 1000))
    growing = [start + time for time in sorted(times)]
    assert [clock.place(pts, 0.0) for pts in growing] == growing


def test_a_clock_set_back_keeps_the_time_that_went_by() -> None:
    clock = LivePts(Fraction(1, 1000))
    assert [clock.place(pts, at) for pts, at in ((500, 0.0), (490, 0.04), (530, 0.08))] == [
        500,
        540,
        580,
    ]
