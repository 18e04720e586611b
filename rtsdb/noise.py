"""How noisy a frame is: the noise model, a blind estimate of it, and its smoothing over time."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rtsdb.errors import UsageError

MAX_SIGMA = 100.0
"""Largest noise level that a user may ask for, in grey levels."""

_BLOCK = 8
"""Side of the square blocks, in pixels."""

_SITES = 4000
"""Blocks looked at per channel, whatever the frame's size: what bounds the time per frame."""

_BINS = 6
"""Groups of equally many blocks by mean grey level."""

_SMOOTHEST = 0.1
"""Share of a group's blocks, those with the least low-frequency content, that is measured."""

_MOSTLY_UNCLIPPED = 0.1
"""A group with at most this share of pixels at 0 or 255 is always fit to be used."""

_MIN_INFORMATIVE = 0.1
"""A frame with a smaller share of blocks that are not one constant holds no measurable noise."""

_ROUNDING = 1 / 12
"""Variance that rounding to whole grey levels adds (Sheppard's correction)."""


@dataclass(frozen=True)
class NoiseLevel:
    """Noise whose standard deviation at grey level y (0..255) is sqrt(a*y + b) grey levels.

    `a` is the part that grows with light (shot noise), `b` the part that does not (read noise);
    white Gaussian noise of standard deviation sigma is (0, sigma^2).

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


def _dct_matrix(side: int) -> NDArray[np.float64]:
    """Orthonormal DCT-II of vectors of length `side`, float64 [side, side]."""
    k = np.arange(side)
    matrix: NDArray[np.float64] = np.sqrt(2 / side) * np.cos(
        np.pi * np.outer(k, 2 * k + 1) / (2 * side)
    )
    matrix[0] /= np.sqrt(2)
    return matrix


def _block_bases() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The DCT of a flattened block as two matrices: low frequencies (first row DC) and high."""
    line = _dct_matrix(_BLOCK)
    basis = np.kron(line, line).astype(np.float32)
    frequency = np.add.outer(np.arange(_BLOCK), np.arange(_BLOCK)).reshape(-1)
    return basis[frequency < _BLOCK], basis[frequency >= _BLOCK]


_LOW, _HIGH = _block_bases()


def _censored_moments(mean: float, sigma: float) -> tuple[float, float]:
    """Mean and standard deviation of a normal variable after clipping to 0..255."""
    lo, hi = -mean / sigma, (255 - mean) / sigma
    below, above = 0.5 * math.erfc(-lo / math.sqrt(2)), 0.5 * math.erfc(hi / math.sqrt(2))
    density_lo, density_hi = (
        math.exp(-z * z / 2) / math.sqrt(2 * math.pi) for z in (max(lo, -40.0), min(hi, 40.0))
    )
    inside = 1 - below - above
    first = 255 * above + mean * inside + sigma * (density_lo - density_hi)
    second = (
        255**2 * above
        + (mean**2 + sigma**2) * inside
        + sigma * (mean * density_lo - (255 + mean) * density_hi)
    )
    return first, math.sqrt(max(second - first**2, 0.0))


def _uncensored_sigma(mean: float, sigma: float) -> float:
    """Standard deviation before clipping to 0..255, from mean and deviation after it."""
    if sigma < 0.1:
        return sigma
    true_mean, true_sigma = mean, sigma
    for _ in range(20):
        seen_mean, seen_sigma = _censored_moments(true_mean, true_sigma)
        true_mean = min(max(true_mean + mean - seen_mean, 0.0), 255.0)
        true_sigma = min(true_sigma * sigma / max(seen_sigma, 1e-3), 2 * MAX_SIGMA)
    return true_sigma


def estimate_awgn(frame: NDArray[np.uint8]) -> NoiseLevel:
    """Estimate white Gaussian noise in one 8-bit frame, without knowing the clean frame.

    `frame` is uint8 [H, W, C], at least 8x8. The method is that of Ponomarenko et al., "An
    automatic approach to lossy compression of AVIRIS images", IGARSS 2007, as analysed by Colom
    and Buades, "Analysis and extension of the Ponomarenko et al. method", IPOL 2013: blocks are
    grouped by mean; in each group those with the least energy at low frequencies of their DCT
    hold the least texture, and their energy at high frequencies, which took no part in the
    choice, is the noise's variance. The median over frequencies drops what texture is left.

    Two things are ours. Each group's deviation is corrected for the clipping to 0..255 with the
    moments of a clipped normal variable (Foi, "Clipped noisy images", Signal Processing 2009).
    And as this noise is the same at all grey levels and texture only adds to it, a low quantile
    of the groups that clipping spared most stands for the frame. Each channel is measured by
    itself, because 4:2:0 video has no chroma noise at high frequencies. Levels 0..60 are what it
    is tested on; above, where clipping leaves little of the noise's shape, it errs high (by 7 %
    at 80). Raises ValueError for other arrays.

    >>> grey = np.full((120, 160, 3), 128.0)
    >>> noise = 20 * np.random.default_rng(0).standard_normal(grey.shape)
    >>> round(estimate_awgn(np.rint(grey + noise).astype(np.uint8)).sigma_at(128))
    20
    """
    if frame.dtype != np.uint8 or frame.ndim != 3 or min(frame.shape[:2]) < _BLOCK:
        raise ValueError(
            f"estimate_awgn takes a uint8 frame [H, W, C] of at least {_BLOCK}x{_BLOCK} pixels, "
            f"not {frame.dtype} {frame.shape}"
        )
    windows = sliding_window_view(frame, (_BLOCK, _BLOCK), axis=(0, 1))
    step = max(1, math.isqrt(windows.shape[0] * windows.shape[1] // _SITES))
    sites = windows[::step, ::step]
    blocks = sites.reshape(-1, _BLOCK * _BLOCK).astype(np.float32)

    low = blocks @ _LOW.T
    mean = low[:, 0] / _BLOCK
    np.square(low, out=low)
    texture = low[:, 1:].sum(axis=1)
    # Constant blocks (burnt-out sky, bars, captions) had their noise cut off.
    informative = np.flatnonzero(texture > 1e-3)
    if len(informative) < max(_MIN_INFORMATIVE * len(blocks), 1):
        return NoiseLevel.awgn(0.0)

    by_mean = informative[np.argsort(mean[informative])]
    clipped, sigmas = [], []
    for group in np.array_split(by_mean, min(_BINS, len(by_mean))):
        count = max(1, round(_SMOOTHEST * len(group)))
        smooth = blocks[group[np.argpartition(texture[group], count - 1)[:count]]]
        variance = float(np.median(np.square(smooth @ _HIGH.T).mean(axis=0)))
        sigma = math.sqrt(max(variance - _ROUNDING, 0.0))
        clipped.append(float(np.mean((smooth == 0) | (smooth == 255))))
        sigmas.append(_uncensored_sigma(float(smooth.mean()), sigma))
    usable = np.array(clipped) <= max(_MOSTLY_UNCLIPPED, float(np.median(clipped)))
    return NoiseLevel.awgn(float(np.quantile(np.array(sigmas)[usable], 0.2)))


class NoiseTracker:
    """Follows the noise level of a video: quiet while it holds, two frames behind when it jumps.

    The frames' estimates pass a running median of three, which drops single outliers (Tukey,
    "Exploratory Data Analysis", 1977), and then an exponential average of the variance. An
    estimate further than 15 % and one grey level from the average replaces it.

    >>> tracker = NoiseTracker()
    >>> frame = np.full((64, 64, 3), 90, np.uint8)
    >>> tracker.update(frame)
    NoiseLevel(a=0.0, b=0.0)
    """

    _WEIGHT = 0.1
    """Weight of a new frame in the average: a memory of about ten frames."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=3)
        self._variance = 0.0

    def update(self, frame: NDArray[np.uint8]) -> NoiseLevel:
        """Take in the next frame, uint8 [H, W, C], and return the noise level to use for it.

        The first frame gives its own estimate. Raises ValueError as `estimate_awgn` does.
        """
        measured = estimate_awgn(frame).b
        if not self._recent:
            self._recent.extend((measured, measured))
            self._variance = measured
        self._recent.append(measured)
        candidate = float(np.median(self._recent))
        before, now = math.sqrt(self._variance), math.sqrt(candidate)
        if abs(now - before) > max(1.0, 0.15 * before):
            self._variance = candidate
        else:
            self._variance += self._WEIGHT * (candidate - self._variance)
        return NoiseLevel(0.0, self._variance)


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
