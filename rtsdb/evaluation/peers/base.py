"""What all peers have in common: they take a frame and one noise level, and give no labels."""

from __future__ import annotations

import time
from collections.abc import Callable

from rtsdb.evaluation.subject import Output, Subject
from rtsdb.metrics import Picture
from rtsdb.noise import NoiseLevel
from rtsdb.video.frame import Labels


class PeerMissing(Exception):
    """A peer that cannot be judged here; the message is the reason."""


class Peer(Subject):
    """A denoiser of single frames.

    denoise: takes a noisy frame and sigma, and returns a frame of the same type. Noise that
    depends on the signal has its sigma taken at the frame's mean grey level.
    """

    stages = (None,)
    labels = False

    def __init__(self, name: str, about: str, denoise: Callable[[Picture, float], Picture]) -> None:
        self.name, self.about, self._denoise = name, about, denoise

    def run(self, noisy: Picture, level: NoiseLevel, truth: Labels) -> list[Output]:
        """Denoise a frame; `truth` is not looked at."""
        sigma = level.sigma_at(float(noisy.mean()))
        before = time.perf_counter()
        denoised = self._denoise(noisy, sigma)
        return [Output(denoised, None, time.perf_counter() - before)]


class NoisyInput(Subject):
    """The noisy frame as it is: what all others have to better."""

    name, about = "input", "the noisy frame as it is"
    stages, labels = (None,), False

    def run(self, noisy: Picture, level: NoiseLevel, truth: Labels) -> list[Output]:
        """The frame itself."""
        return [Output(noisy, None, None)]


def needs_8bit(eight_bit: bool) -> None:
    """Raise PeerMissing where frames are not 8-bit."""
    if not eight_bit:
        raise PeerMissing("takes 8-bit frames only")
