from __future__ import annotations

import numpy as np
import pytest

from rtsdb.data.scenes import Scene
from rtsdb.quantization.accuracy import Accuracy, Bars, lost, measure, worst
from rtsdb.quantization.frames import Sample
from rtsdb.quantization.session import Session


class Fixed(Session):
    """Gives the same picture and labels for every frame."""

    def __init__(self, picture: np.ndarray, labels: np.ndarray) -> None:
        self.answer = picture[None], labels[None]

    def run(self, frames: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.answer


def sample(labels: np.ndarray, noise: str = "awgn:25") -> Sample:
    clean = np.full((*labels.shape, 3), 100, np.uint8)
    return Sample(clean, noise, np.zeros(2, np.float32), Scene("s", clean, labels))


def test_psnr_and_miou_are_those_of_the_frames() -> None:
    labels = np.repeat(np.array([[0], [1]], np.uint8), 10, axis=1)
    found = labels.copy()
    found[0, :5] = 1
    steps: list[int] = []
    answer = Fixed(np.full((2, 10, 3), 110, np.uint8), found)
    accuracy = measure(answer, [sample(labels)] * 2, 3, lambda: steps.append(1))["awgn:25"]
    assert accuracy.psnr == pytest.approx(20 * np.log10(25.5))
    assert accuracy.miou == pytest.approx(100 * (5 / 10 + 10 / 15) / 2)
    assert len(steps) == 2


def test_a_class_of_a_few_pixels_does_not_decide_the_mean() -> None:
    labels = np.zeros((100, 100), np.uint8)
    labels[0, :5] = 1
    answer = Fixed(np.full((100, 100, 3), 90, np.uint8), np.zeros_like(labels))
    assert measure(answer, [sample(labels)], 2, lambda: None)["awgn:25"].miou > 99


def test_without_a_truth_there_is_no_miou() -> None:
    void = np.full((4, 4), 255, np.uint8)
    answer = Fixed(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8))
    assert measure(answer, [sample(void)], 2, lambda: None)["awgn:25"].miou is None


def test_the_worst_loss_is_the_one_most_times_its_bar() -> None:
    before = {"clean": Accuracy(40.0, None), "awgn:25": Accuracy(30.0, 60.0)}
    after = {"clean": Accuracy(39.9, None), "awgn:25": Accuracy(30.1, 58.0)}
    losses = lost(before, after)
    assert losses["clean"] == {"psnr": pytest.approx(0.1)}
    found = worst(losses, Bars(0.15, 1.0))
    assert (found.noise, found.measure) == ("awgn:25", "miou")
    assert str(found) == "2.000 points of mIoU at awgn:25, and 1 may be lost"
    assert worst(losses, Bars(0.01, 1.0)).measure == "psnr"
