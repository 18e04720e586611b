import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from process_watch import SPANS, fit_slope, take_sample

from tests.pipeline.running import await_that


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.integers(SPANS, 200))
def test_a_line_is_found_exactly(rise: float, start: float, count: int) -> None:
    x = np.linspace(0, 2, count)
    slope = fit_slope(x, rise * x + start)
    assert slope.rise == pytest.approx(rise, rel=1e-6, abs=1e-6)
    assert slope.margin == pytest.approx(0, abs=1e-6)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng, x = np.random.default_rng(0), np.linspace(0, 1, 400)
    slopes = [fit_slope(x, 5 * x + rng.normal(0, 3, x.size)) for _ in range(500)]
    covered = np.mean([abs(slope.rise - 5) <= slope.margin for slope in slopes])
    assert 0.92 <= covered <= 0.98


def test_few_samples_have_no_slope() -> None:
    with pytest.raises(ValueError, match="19 samples"):
        fit_slope(np.arange(19.0), np.arange(19.0))


def sees_what_is_open(path: Path) -> bool:
    """Whether a file more and a thread more are counted when they are opened."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    before = take_sample()
    with open(path, "w"):
        thread.start()
        during = take_sample()
    done.set()
    thread.join()
    return (during.files, during.threads) == (before.files + 1, before.threads + 1)


def test_what_is_open_is_seen(tmp_path: Path) -> None:
    # Of other tests, threads may end and files be closed meanwhile; not for long.
    await_that(lambda: sees_what_is_open(tmp_path / "file"))
    assert take_sample().rss > 10_000_000
