from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rtsdb.video.sources.pts import GrowingPts


@given(st.lists(st.none() | st.integers(-(10**6), 10**6)))
def test_times_always_grow(times: list[int | None]) -> None:
    clock = GrowingPts(Fraction(1, 90000), Fraction(30))
    placed = [clock.place(t) for t in times]
    assert all(a < b for a, b in pairwise(placed))


@given(st.lists(st.integers(0, 10**6), unique=True))
def test_growing_times_pass_unchanged(times: list[int]) -> None:
    clock = GrowingPts(Fraction(1, 1000), None)
    assert [clock.place(t) for t in sorted(times)] == sorted(times)
