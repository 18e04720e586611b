from __future__ import annotations

import math

import numpy as np
import pytest

from rtsdb.classes import CAMVID
from rtsdb.data.scenes import Scene
from rtsdb.errors import UsageError
from rtsdb.evaluation.scores import Tally
from rtsdb.evaluation.subject import Output
from rtsdb.metrics import ssim


def scene(*labels: int) -> Scene:
    """A grey picture of 16x16 whose columns are shared out among the labels."""
    row = np.repeat(np.array(labels, np.uint8), 16 // len(labels))
    return Scene("s", np.full((16, 16, 3), 100, np.uint8), np.tile(row, (16, 1)))


def output(labels: Scene | None, error: int = 0, seconds: float | None = 1.0) -> Output:
    picture = np.full((16, 16, 3), 100 + error, np.uint8)
    return Output(picture, None if labels is None else labels.labels, seconds)


@pytest.fixture
def tally() -> Tally:
    return Tally("net", 2, "awgn:25", CAMVID)


def test_miou_is_that_of_all_frames_together_and_void_is_left_out(tally: Tally) -> None:
    tally.add(scene(3, 3, 0, 255), output(scene(3, 0, 0, 9)))
    tally.add(scene(3, 3, 3, 3), output(scene(3, 3, 3, 3)))
    score = tally.score()
    assert score is not None
    assert score.iou["road"] == pytest.approx(100 * 5 / 6)
    assert score.iou["sky"] == pytest.approx(100 * 1 / 2)
    assert score.iou["bicyclist"] is None
    assert score.miou == pytest.approx(100 * (5 / 6 + 1 / 2) / 2)
    assert score.pixel_accuracy == pytest.approx(100 * 6 / 7)


def test_psnr_and_ssim_are_means_over_frames_and_time_is_the_median(tally: Tally) -> None:
    for error, seconds in ((5, 0.1), (50, 0.2), (50, 9.0)):
        tally.add(scene(3), output(scene(3), error, seconds))
    score = tally.score()
    assert score is not None
    one, other = (20 * math.log10(255 / error) for error in (5, 50))
    assert score.psnr == pytest.approx((one + 2 * other) / 3)
    near, far = (ssim(output(None, error).denoised, scene(3).image) for error in (5, 50))
    assert score.ssim == pytest.approx((near + 2 * far) / 3)
    assert score.ms == pytest.approx(200)
    assert (score.subject, score.stages, score.noise, score.frames) == ("net", 2, "awgn:25", 3)


def test_without_labels_and_times_there_are_none(tally: Tally) -> None:
    tally.add(scene(3), output(None, seconds=None))
    score = tally.score()
    assert score is not None
    assert (score.miou, score.pixel_accuracy, score.iou, score.ms) == (None, None, {}, None)
    assert score.psnr == math.inf


def test_before_the_first_frame_there_is_no_score(tally: Tally) -> None:
    assert tally.score() is None


@pytest.mark.parametrize(("truth", "found"), [(11, 3), (3, 11)])
def test_labels_outside_the_classes_are_refused(tally: Tally, truth: int, found: int) -> None:
    with pytest.raises(UsageError, match=r"s, judged by camvid: .*outside 0\.\.10"):
        tally.add(scene(truth), output(scene(found)))
