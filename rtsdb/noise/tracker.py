"""The noise level of a video, from frame to frame."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from rtsdb.noise.estimate import estimate_noise
from rtsdb.noise.level import NoiseLevel


class NoiseTracker:
    """Follows the noise level of a video: quiet while it holds, two frames behind when it jumps.

    The frames' estimates, as variances in black and in white, pass a running median of three,
    which drops single outliers (Tukey, "Exploratory Data Analysis", 1977), and then an
    exponential average. An estimate that is further than 15 % and one grey level from the
    average in mid grey replaces it.

    >>> tracker = NoiseTracker()
    >>> frame = np.full((64, 64, 3), 90, np.uint8)
    >>> tracker.update(frame)
    NoiseLevel(a=0.0, b=0.0)
    """

    _WEIGHT = 0.1
    """Weight of a new frame in the average: a memory of about ten frames."""

    def __init__(self) -> None:
        self._recent: deque[NDArray[np.float64]] = deque(maxlen=3)
        self._average = np.zeros(2)

    def update(self, frame: NDArray[np.uint8]) -> NoiseLevel:
        """Take in the next frame, uint8 [H, W, C], and return the noise level to use for it.

        The first frame gives its own estimate. Raises ValueError as `estimate_noise` does.
        """
        estimate = estimate_noise(frame)
        measured = np.array([estimate.b, estimate.b + 255 * estimate.a])
        if not self._recent:
            self._recent.extend((measured, measured))
            self._average = measured
        self._recent.append(measured)
        candidate = np.median(self._recent, axis=0)
        # The line in mid grey is the mean of its ends.
        before, now = np.sqrt(self._average.mean()), np.sqrt(candidate.mean())
        if abs(now - before) > max(1.0, 0.15 * before):
            self._average = candidate
        else:
            self._average = self._average + self._WEIGHT * (candidate - self._average)
        black, white = self._average.tolist()
        return NoiseLevel((white - black) / 255, black)
