from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtsdb.data.noise_models.fit import fit_level

GREY = np.arange(0.0, 256.0, 16.0)
UNCLIPPED = np.zeros(len(GREY))


@given(st.floats(0.1, 5000), st.floats(0.1, 5000))
def test_a_line_is_found_again(black: float, white: float) -> None:
    variance = black + (white - black) * GREY / 255
    level = fit_level(GREY, variance, UNCLIPPED)
    assert level.b == pytest.approx(black, rel=1e-6)
    assert level.b + 255 * level.a == pytest.approx(white, rel=1e-6)


@given(st.lists(st.floats(0, 5000), min_size=len(GREY), max_size=len(GREY)))
def test_the_variance_is_never_negative(variances: list[float]) -> None:
    level = fit_level(GREY, np.array(variances), UNCLIPPED)
    assert level.b >= 0
    assert level.b + 255 * level.a >= -1e-9


def test_clipped_grey_levels_do_not_count() -> None:
    variance = np.full(len(GREY), 100.0)
    clipped = UNCLIPPED.copy()
    variance[:3], clipped[:3] = 30.0, 0.3
    assert fit_level(GREY, variance, clipped).sigma_at(0) == pytest.approx(10)


def test_the_least_clipped_decide_where_all_are_clipped() -> None:
    clipped = np.abs(GREY - 128) / 255 + 0.1
    variance = np.where(np.abs(GREY - 128) < 33, 400.0, 100.0)
    assert fit_level(GREY, variance, clipped).sigma_at(128) == pytest.approx(20)
