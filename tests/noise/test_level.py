from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtsdb.errors import UsageError
from rtsdb.noise import NoiseLevel, parse_sigma


def test_noise_level_is_the_variance_line() -> None:
    assert NoiseLevel.awgn(5) == NoiseLevel(0.0, 25.0)
    assert NoiseLevel(2.0, 1.0).sigma_at(60) == 11
    assert NoiseLevel(1.0, -4.0).sigma_at(2) == 0
    assert NoiseLevel(-1.0, 100.0).sigma_at(64) == 6
    array = NoiseLevel(2.0, 1.0).array()
    assert array.dtype == np.float32
    assert array.tolist() == [2, 1]


@given(st.floats(0, 100))
def test_awgn_is_the_same_at_all_grey_levels(sigma: float) -> None:
    level = NoiseLevel.awgn(sigma)
    assert level.sigma_at(0) == level.sigma_at(255) == pytest.approx(sigma, abs=1e-6)


def test_parse_sigma_reads_auto_and_numbers() -> None:
    assert parse_sigma("auto") is None
    assert parse_sigma(" AUTO ") is None
    assert parse_sigma("0") == 0
    assert parse_sigma("12.5") == 12.5
    assert parse_sigma("100") == 100


@given(st.floats(0, 100))
def test_parse_sigma_reads_back_any_level(sigma: float) -> None:
    assert parse_sigma(repr(sigma)) == sigma


@pytest.mark.parametrize("text", ["", "loud", "-1", "100.5", "nan", "inf", "5,5"])
def test_parse_sigma_names_the_flag_and_the_fix(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--sigma .*: give 'auto' or a number .* 0 to 100"):
        parse_sigma(text)
