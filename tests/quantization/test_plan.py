from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rtsdb.quantization.plan import WEIGHT_LEVELS, activation_step, weight_steps

WEIGHTS = arrays(
    np.float32,
    st.tuples(st.integers(1, 5), st.integers(1, 3)),
    elements=st.floats(-30, 30, width=32),
).map(lambda w: w[..., None, None])


@given(WEIGHTS)
def test_products_of_two_weights_and_bytes_fit_in_16_bits(weight: np.ndarray) -> None:
    steps = weight_steps(weight)
    levels = np.rint(weight / steps[:, None, None, None])
    assert np.abs(levels).max() <= WEIGHT_LEVELS
    assert 2 * 255 * WEIGHT_LEVELS < 2**15
    assert (
        np.abs(levels * steps[:, None, None, None] - weight) <= steps[:, None, None, None]
    ).all()


@given(WEIGHTS, st.floats(0, 1e4))
def test_steps_are_the_same_in_float16(weight: np.ndarray, largest: float) -> None:
    for steps in (weight_steps(weight), np.float32(activation_step(largest))):
        assert (steps > 0).all()
        assert np.array_equal(steps, steps.astype(np.float16).astype(np.float32))


def test_a_step_is_the_range_over_127() -> None:
    assert activation_step(6.0) == pytest.approx(6 / 127, rel=2**-11)
