from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtsdb.noise.clipping import unclipped_sigma


@settings(max_examples=25)
@given(st.floats(0, 255), st.floats(1, 60))
def test_the_moments_of_clipped_noise_give_back_its_level(mean: float, sigma: float) -> None:
    drawn = mean + sigma * np.random.default_rng(0).standard_normal(400_000)
    seen = np.clip(drawn, 0, 255)
    found = unclipped_sigma(float(seen.mean()), float(seen.std()))
    assert found == pytest.approx(sigma, rel=0.02)


def test_no_noise_stays_none() -> None:
    assert unclipped_sigma(0.0, 0.0) == 0
    assert unclipped_sigma(255.0, 0.0) == 0


def test_what_no_clipped_noise_looks_like_still_gives_a_finite_level() -> None:
    assert 100 < unclipped_sigma(127.5, 127.4) <= 200
