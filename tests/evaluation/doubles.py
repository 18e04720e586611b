"""Subjects whose answers are known."""

from __future__ import annotations

import numpy as np

from rtsdb.evaluation.subject import Output, Subject
from rtsdb.metrics import Picture
from rtsdb.noise import NoiseLevel
from rtsdb.video.frame import Labels


class Oracle(Subject):
    """Gives the noisy frame back, for K = 1 and 2, with the true labels but for the void."""

    name, about = "oracle", "knows the truth"
    stages, labels = (1, 2), True

    def __init__(self) -> None:
        self.frames: list[Picture] = []
        self.levels: list[NoiseLevel] = []
        self.closed = False

    def run(self, noisy: Picture, level: NoiseLevel, truth: Labels) -> list[Output]:
        self.frames.append(noisy)
        self.levels.append(level)
        labels = np.where(truth == 255, 0, truth).astype(np.uint8)
        return [Output(noisy, labels, None), Output(noisy, labels, 0.25)]

    def close(self) -> None:
        self.closed = True


class Liar(Oracle):
    """Calls every pixel by one class."""

    def __init__(self, label: int) -> None:
        super().__init__()
        self.label = label

    def run(self, noisy: Picture, level: NoiseLevel, truth: Labels) -> list[Output]:
        labels = np.full(truth.shape, self.label, np.uint8)
        return [Output(noisy, labels, 0.5)] * 2
