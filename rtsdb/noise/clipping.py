"""Undoing what clipping to 0..255 does to the standard deviation of noise."""

from __future__ import annotations

import math

_LARGEST = 200.0
"""Deviation in grey levels at which the search ends: clipped noise may fit any larger one."""


def unclipped_sigma(mean: float, sigma: float) -> float:
    """Standard deviation of normal noise before clipping, from mean and deviation after it.

    All in grey levels. The moments of a clipped normal variable are those of Foi, "Clipped noisy
    images: heteroskedastic modeling and practical denoising", Signal Processing 2009; a fixed
    point of 20 steps inverts them.

    >>> round(unclipped_sigma(mean=128.0, sigma=10.0), 3)
    10.0
    >>> round(unclipped_sigma(mean=3.99, sigma=5.84), 1)  # N(0, 10^2), half of it lost
    10.0
    """
    if sigma < 0.1 or 5 * sigma < min(mean, 255 - mean):  # next to nothing was clipped
        return sigma
    true_mean, true_sigma = mean, sigma
    for _ in range(20):
        seen_mean, seen_sigma = _clipped_moments(true_mean, true_sigma)
        true_mean = min(max(true_mean + mean - seen_mean, 0.0), 255.0)
        true_sigma = min(true_sigma * sigma / max(seen_sigma, 1e-3), _LARGEST)
    return true_sigma


def _clipped_moments(mean: float, sigma: float) -> tuple[float, float]:
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
