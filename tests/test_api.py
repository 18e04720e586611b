"""The Python interface as README shows it."""

import numpy as np

import rtsdb


def test_three_lines_of_readme() -> None:
    frame = np.random.default_rng(0).integers(0, 255, (75, 101, 3), np.uint8)
    with rtsdb.load_engine("rt", stages=2) as engine:
        result = engine(frame, sigma=25)
    assert result.denoised.shape == frame.shape
    assert result.denoised.dtype == np.uint8
    assert result.labels.shape == (75, 101)
    assert result.labels.dtype == np.uint8
    assert result.timings.infer > 0
