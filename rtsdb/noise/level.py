"""How noisy a frame is, in two numbers; and one of them as a user gives it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtsdb.errors import UsageError

MAX_SIGMA = 100.0
"""Largest noise level that a user may ask for, in grey levels."""


@dataclass(frozen=True)
class NoiseLevel:
    """Noise whose standard deviation at grey level y (0..255) is sqrt(a*y + b) grey levels.

    White Gaussian noise of standard deviation sigma is (0, sigma^2). `a` is above 0 where noise
    grows with light, as the shot noise of a linear picture does, and below 0 where it is strongest
    in the dark, as in what a camera shows: gamma lifts the dark, noise included. Where a*y + b is
    negative the noise is 0.

    >>> NoiseLevel(a=1.0, b=9.0).sigma_at(16.0)
    5.0
    """

    a: float
    b: float

    @classmethod
    def awgn(cls, sigma: float) -> NoiseLevel:
        """White Gaussian noise of standard deviation `sigma` grey levels.

        >>> NoiseLevel.awgn(25.0)
        NoiseLevel(a=0.0, b=625.0)
        """
        return cls(0.0, float(sigma) ** 2)

    def sigma_at(self, y: float) -> float:
        """Standard deviation in grey levels at grey level `y`."""
        return math.sqrt(max(self.a * y + self.b, 0.0))

    def array(self) -> NDArray[np.float32]:
        """(a, b) as float32 [2], the form a network takes."""
        return np.array([self.a, self.b], np.float32)


def parse_sigma(text: str) -> float | None:
    """Read the value of `--sigma`: None for 'auto', else grey levels in 0..100.

    Raises UsageError for anything else.

    >>> parse_sigma("auto"), parse_sigma("25")
    (None, 25.0)
    """
    if text.strip().lower() == "auto":
        return None
    try:
        sigma = float(text)
    except ValueError:
        sigma = math.nan
    if not 0 <= sigma <= MAX_SIGMA:
        raise UsageError(
            f"--sigma {text}: give 'auto' or a number of grey levels from 0 to "
            f"{MAX_SIGMA:.0f}, such as 25"
        )
    return sigma
