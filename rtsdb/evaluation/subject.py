"""What is judged: something that takes noisy frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from rtsdb.metrics import Picture
from rtsdb.noise import NoiseLevel
from rtsdb.resource import Resource
from rtsdb.video.frame import Labels


class Output(NamedTuple):
    """What became of one frame.

    denoised: [H, W, 3] RGB in 0..255, uint8 in the 8-bit convention and float32 in the float
    convention. labels: uint8 [H, W], None where the subject gives none. seconds: the time the
    frame took, None where it cannot be told apart from another output's.
    """

    denoised: Picture
    labels: Labels | None
    seconds: float | None


class Subject(Resource, ABC):
    """A network or a peer on trial.

    name: in the tables. about: what runs and on what, in one line. stages: the number of blocks
    K of each output that `run` gives, None for what has no blocks. labels: whether it gives them.
    """

    name: str
    about: str
    stages: tuple[int | None, ...]
    labels: bool

    @abstractmethod
    def run(self, noisy: Picture, level: NoiseLevel, truth: Labels) -> list[Output]:
        """Process a frame; one output for each entry of `stages`.

        noisy: [H, W, 3] RGB, uint8 or, in the float convention, float32 that may leave 0..255.
        level: how noisy it is. truth: the true labels, for networks that are steered by them.
        """
