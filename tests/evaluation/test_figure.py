from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from rtsdb.classes import CAMVID
from rtsdb.data.scenes import Scene
from rtsdb.evaluation.figure import COLUMNS, draw_figure, draw_strip
from rtsdb.evaluation.judge import Trial, clean_and, judge
from rtsdb.evaluation.report import Report
from tests.evaluation.doubles import Oracle


@pytest.fixture
def trial(scenes: list[Scene]) -> Trial:
    return Trial(scenes, CAMVID, clean_and(["awgn:25", "lowlight:8x"]))


def test_the_strip_shows_drawn_streets_at_the_noises_in_turn(trial: Trial) -> None:
    strip = draw_strip(trial, Oracle())
    assert [column.noise for column in strip] == ["awgn:25", "lowlight:8x"] * (COLUMNS // 2)
    for column in strip:
        known = column.truth.any(axis=2)
        assert known.mean() > 0.9
        assert np.array_equal(column.labels[known], column.truth[known])
        assert np.array_equal(column.noisy, column.denoised)
        assert column.noisy.dtype == np.uint8
    assert len({column.truth.tobytes() for column in strip}) == COLUMNS


@pytest.mark.usefixtures("flat_streets")
def test_without_noise_the_strip_is_clean(scenes: list[Scene]) -> None:
    strip = draw_strip(Trial(scenes, CAMVID, clean_and([])), Oracle())
    assert {column.noise for column in strip} == {"clean"}


@pytest.mark.usefixtures("flat_streets")
def test_the_figure_is_a_picture(trial: Trial, tmp_path: Path) -> None:
    verdict = judge([Oracle], trial)
    report = Report("command", {}, {}, "conditions", CAMVID, 3, verdict, {})
    draw_figure(report, trial, Oracle(), path=tmp_path / "q.png")
    picture = cv2.imread(str(tmp_path / "q.png"))
    assert picture is not None
    assert picture.shape[1] == 1200
    assert [path.name for path in tmp_path.glob("*.p*")] == ["q.png"]
