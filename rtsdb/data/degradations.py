"""Noise put on clean frames: 8-bit as a camera gives it, float as papers report it."""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CHUNK = 1 << 16
"""Values worked on at a time: the scratch of one chunk stays in the processor's cache."""


@lru_cache(maxsize=1)
def _normal_quantiles() -> NDArray[np.float32]:
    """The 65536 equally likely values, mean 0 and variance 1, that stand for a normal variable.

    Drawing 16 random bits and looking them up is inverse transform sampling with the uniform
    variable held to 16 bits. It is three times as quick as the ziggurat of
    `Generator.standard_normal`; values further than 4.3 standard deviations out, 2 in 100 000,
    do not occur.
    """
    inverse = NormalDist().inv_cdf
    lower = np.array([inverse((k + 0.5) / 65536) for k in range(32768)])
    table = np.concatenate([lower, -lower[::-1]])
    table /= np.sqrt(np.mean(table * table))
    return table.astype(np.float32)


def _add_noise(
    image: NDArray[np.uint8],
    quantiles: NDArray[np.float32],
    bits: np.random.BitGenerator,
    out: NDArray[np.uint8],
    scratch: NDArray[np.float32],
) -> None:
    """Write clip(round(image + noise)) into `out`, chunk by chunk through `scratch`."""
    if out.shape != image.shape or out.dtype != np.uint8 or not out.flags.c_contiguous:
        raise ValueError(f"out must be a contiguous uint8 array of shape {image.shape}")
    source, target = np.ascontiguousarray(image).reshape(-1), out.reshape(-1)
    for start in range(0, source.size, scratch.size):
        clean = source[start : start + scratch.size]
        noisy = scratch[: clean.size]
        draws = np.asarray(bits.random_raw((clean.size + 3) // 4)).view(np.uint16)
        # mode="clip" only spares numpy a bounds check: every 16-bit number is in the table.
        np.take(quantiles, draws[: clean.size], out=noisy, mode="clip")
        noisy += clean
        np.rint(noisy, out=noisy)
        np.clip(noisy, 0, 255, out=noisy)
        target[start : start + clean.size] = noisy


def _check_sigma(sigma: float) -> None:
    if not 0 <= sigma < float("inf"):
        raise ValueError(f"sigma must be a finite number of grey levels >= 0, not {sigma}")


def add_awgn_8bit(
    image: NDArray[np.uint8],
    sigma: float,
    rng: np.random.Generator,
    out: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Add white Gaussian noise as an 8-bit camera would record it: clip(round(x + n)).

    `image` is uint8 of any shape, `sigma` the standard deviation in grey levels (>= 0). The
    result is uint8 of the same shape; `out`, when given, receives it and may be `image`.
    Raises ValueError for a negative or infinite sigma and for an `out` that is not a contiguous
    uint8 array of the image's shape.

    >>> add_awgn_8bit(np.full(4, 255, np.uint8), 0.0, np.random.default_rng(0))
    array([255, 255, 255, 255], dtype=uint8)
    """
    _check_sigma(sigma)
    result = np.empty(image.shape, np.uint8) if out is None else out
    quantiles = _normal_quantiles() * np.float32(sigma)
    _add_noise(image, quantiles, rng.bit_generator, result, np.empty(_CHUNK, np.float32))
    return result


def add_awgn_float(
    image: NDArray[Any], sigma: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Add white Gaussian noise without rounding or clipping: x + n, the denoising papers' way.

    `image` holds grey levels 0..255 in any number type and shape, `sigma` is in grey levels
    (>= 0). The result is float32 of the same shape and may leave 0..255. Raises ValueError for a
    negative or infinite sigma.

    >>> add_awgn_float(np.zeros((2, 3), np.uint8), 50.0, np.random.default_rng(0)).dtype
    dtype('float32')
    """
    _check_sigma(sigma)
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    noise *= np.float32(sigma)
    noise += image
    return noise


class NoiseSimulator:
    """Puts 8-bit white Gaussian noise on the frames of a video, the same on every run.

    The noise of a frame depends on (`seed`, frame index) alone, so a video that is sought in or
    started again shows the same frames. `sigma` is in grey levels (>= 0), `seed` an integer
    >= 0. Raises ValueError for a negative or infinite sigma. One instance serves one thread.

    >>> clean, a, b = np.full((2, 8, 8, 3), 90, np.uint8), *np.empty((2, 2, 8, 8, 3), np.uint8)
    >>> NoiseSimulator(25.0, seed=1).apply(clean, a, index=7)
    >>> NoiseSimulator(25.0, seed=1).apply(clean, b, index=7)
    >>> bool((a == b).all())
    True
    """

    def __init__(self, sigma: float, seed: int) -> None:
        _check_sigma(sigma)
        self._seed = seed
        self._quantiles = _normal_quantiles() * np.float32(sigma)
        self._scratch = np.empty(_CHUNK, np.float32)

    def apply(self, clean: NDArray[np.uint8], into: NDArray[np.uint8], index: int) -> None:
        """Write frame number `index` (>= 0) with its noise: clip(round(clean + n)).

        `clean` and `into` are uint8 of one shape and may be the same array. Raises ValueError
        where `into` is not a contiguous uint8 array of that shape.
        """
        bits = np.random.SFC64((self._seed, index))
        _add_noise(clean, self._quantiles, bits, into, self._scratch)
