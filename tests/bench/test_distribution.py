import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtsdb.bench.distribution import distribution

DURATIONS = st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=300)


@given(DURATIONS)
def test_percentiles_are_measured_values_that_so_many_do_not_exceed(values: list[float]) -> None:
    found = distribution(values)
    for percent in (50, 90, 95, 99):
        at = getattr(found, f"p{percent}")
        assert at in values
        assert 100 * sum(value <= at for value in values) >= percent * len(values)
        assert 100 * sum(value < at for value in values) < percent * len(values)


@given(DURATIONS, st.floats(1e6, 1e9))
def test_the_largest_outlier_counts(values: list[float], outlier: float) -> None:
    found = distribution([*values, outlier])
    assert found.count == len(values) + 1
    assert found.max == outlier
    assert found.min == min(values)
    assert found.mean == pytest.approx(np.mean([*values, outlier]))
    assert found.std == pytest.approx(np.std([*values, outlier]))


def test_there_is_none_of_nothing() -> None:
    with pytest.raises(ValueError, match="no value"):
        distribution([])
