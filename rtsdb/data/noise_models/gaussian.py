"""Gaussian noise: white, or growing with the light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rtsdb.data.noise_models.model import output_for
from rtsdb.data.noise_models.normal import CHUNK, draw, normal_quantiles
from rtsdb.noise import NoiseLevel


@dataclass(frozen=True)
class GaussianNoise:
    """Independent Gaussian noise of variance a*y + b at grey level y, in grey levels squared.

    With a = 0 it is additive white Gaussian noise (AWGN), what denoisers are compared on. With
    a > 0 it is the shot and read noise of a linear sensor: Foi et al., "Practical
    Poissonian-Gaussian noise modeling and fitting for single-image raw-data", IEEE TIP 2008.
    Raises ValueError for an `a` or `b` that is negative or not finite.

    >>> GaussianNoise.awgn(50).spec, GaussianNoise(NoiseLevel(a=2, b=25)).spec
    ('awgn:50', 'shot:2:25')
    """

    level: NoiseLevel

    def __post_init__(self) -> None:
        a, b = self.level.a, self.level.b
        if not (0 <= a < float("inf") and 0 <= b < float("inf")):
            raise ValueError(f"a and b of Gaussian noise must be finite and >= 0, not {a}, {b}")

    @classmethod
    def awgn(cls, sigma: float) -> GaussianNoise:
        """White noise of standard deviation `sigma` grey levels; ValueError if it cannot be."""
        if not 0 <= sigma < float("inf"):
            raise ValueError(f"sigma must be a finite number of grey levels >= 0, not {sigma}")
        return cls(NoiseLevel.awgn(sigma))

    @property
    def spec(self) -> str:
        """'awgn:SIGMA' or 'shot:A:B'."""
        a, b = self.level.a, self.level.b
        return f"shot:{a:g}:{b:g}" if a else f"awgn:{b**0.5:g}"

    def apply_8bit(
        self,
        clean: NDArray[np.uint8],
        rng: np.random.Generator,
        out: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.uint8]:
        """The noisy frame clip(round(y + n)), as a camera would record it; of any shape.

        >>> bright = np.full(4, 255, np.uint8)
        >>> GaussianNoise.awgn(0).apply_8bit(bright, np.random.default_rng(0))
        array([255, 255, 255, 255], dtype=uint8)
        """
        out = output_for(clean, out)
        white = self.level.a == 0
        sigmas = self._sigma(np.arange(256, dtype=np.float32))
        quantiles = normal_quantiles() * sigmas[0] if white else normal_quantiles()
        scratch = np.empty(min(CHUNK, clean.size), np.float32)
        source, target = np.ascontiguousarray(clean).reshape(-1), out.reshape(-1)
        for start in range(0, source.size, CHUNK):
            grey = source[start : start + CHUNK]
            noisy = scratch[: grey.size]
            draw(quantiles, rng, noisy)
            if not white:
                noisy *= cv2.LUT(grey[None], sigmas)[0]
            noisy += grey
            np.rint(noisy, out=noisy)
            np.clip(noisy, 0, 255, out=noisy)
            target[start : start + grey.size] = noisy
        return out

    def apply_float(self, clean: NDArray[Any], rng: np.random.Generator) -> NDArray[np.float32]:
        """y + n, neither rounded nor clipped; float32 of the shape of `clean`.

        >>> noise = GaussianNoise.awgn(50)
        >>> noise.apply_float(np.zeros((2, 3), np.uint8), np.random.default_rng(0)).dtype
        dtype('float32')
        """
        grey = np.asarray(clean, np.float32)
        noise = rng.standard_normal(grey.shape, dtype=np.float32)
        noise *= self._sigma(grey)
        noise += grey
        return noise

    def _sigma(self, grey: NDArray[np.float32]) -> NDArray[np.float32]:
        variance = np.float32(self.level.a) * grey + np.float32(self.level.b)
        sigma: NDArray[np.float32] = np.sqrt(np.maximum(variance, 0))
        return sigma
