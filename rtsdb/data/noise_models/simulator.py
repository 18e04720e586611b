"""Noise on the frames of a video."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rtsdb.data.noise_models.model import NoiseModel


class NoiseSimulator:
    """Puts noise on the frames of a video, the same on every run.

    The noise of a frame depends on (`seed`, frame index) alone, so a video that is sought in or
    started again shows the same frames. `seed` is an integer >= 0.

    >>> from rtsdb.data.noise_models import GaussianNoise
    >>> clean, a, b = np.full((2, 8, 8, 3), 90, np.uint8), *np.empty((2, 2, 8, 8, 3), np.uint8)
    >>> NoiseSimulator(GaussianNoise.awgn(25), seed=1).apply(clean, a, index=7)
    >>> NoiseSimulator(GaussianNoise.awgn(25), seed=1).apply(clean, b, index=7)
    >>> bool((a == b).all())
    True
    """

    def __init__(self, noise: NoiseModel, seed: int) -> None:
        self._noise, self._seed = noise, seed

    def apply(self, clean: NDArray[np.uint8], into: NDArray[np.uint8], index: int) -> None:
        """Write frame number `index` (>= 0) with its noise into `into`.

        `clean` and `into` are uint8 [H, W, 3] and may be the same array. Raises ValueError where
        `into` is not a contiguous uint8 array of that shape.
        """
        rng = np.random.Generator(np.random.SFC64((self._seed, index)))
        self._noise.apply_8bit(clean, rng, out=into)
