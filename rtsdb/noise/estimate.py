"""A blind estimate of the noise in one frame."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rtsdb.noise.clipping import unclipped_sigma
from rtsdb.noise.level import NoiseLevel

_BLOCK = 8
"""Side of the square blocks, in pixels."""

_SITES = 4000
"""Blocks looked at per channel, whatever the frame's size: what bounds the time per frame."""

_GROUPS = 8
"""Groups of equally many blocks by mean grey level."""

_SMOOTHEST = 0.1
"""Share of a group's blocks, those with the least low-frequency content, that is measured."""

_MIN_INFORMATIVE = 0.1
"""A channel with a smaller share of blocks that are not all but constant shows no noise."""

_ROUNDING = 1 / 12
"""Variance that rounding to whole grey levels adds (Sheppard's correction)."""

_MOSTLY_UNCLIPPED = 0.1
"""A group with at most this share of pixels at 0 or 255 always has its full weight."""

_CLIPPED_WEIGHT = 0.5
"""Weight of a group that clipping marked more than most."""

_QUANTILE = 0.25
"""Share of groups that should lie below the fit, as texture only ever adds to the noise."""

_FAR_APART = 32.0
"""Least distance in grey levels of two groups that a slope may be drawn through."""

_SLOPE_GAIN = 0.7
"""A slope must bring the misfit down to this share of the misfit without one."""

_SLOPE_RISE = 1.75
"""Least quotient of the variances that a slope gives the darkest and the brightest group: white
noise, clipped hard in one of them, has been seen to feign 1.7."""

_SLOPE_FROM = 2.0
"""Noise in grey levels below which texture could pass for a slope, and none is fitted."""


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


def estimate_noise(frame: NDArray[np.uint8]) -> NoiseLevel:
    """Estimate the noise in one 8-bit frame, without knowing the clean frame.

    `frame` is uint8 [H, W, C], at least 8x8. In each channel, blocks are grouped by mean, and
    each group is measured as by Ponomarenko et al., "An automatic approach to lossy compression
    of AVIRIS images", IGARSS 2007, analysed by Colom and Buades, IPOL 2013: the blocks with the
    least energy at low frequencies of their DCT hold the least texture, and their energy at high
    frequencies, which took no part in the choice, is the noise's variance; the median over
    frequencies drops what texture is left. The variance is corrected for the clipping to 0..255,
    and a line variance = a*mean + b is fitted robustly, as Foi et al., "Practical
    Poissonian-Gaussian noise modeling and fitting for single-image raw-data", IEEE TIP 2008,
    propose. The fit is ours: of the lines through two groups, the one with the least quantile
    loss (Koenker and Bassett, "Regression quantiles", Econometrica 1978). Where a slope does not
    explain the groups much better than none, as in white noise, a is 0.

    The result is never negative at 0..255. Channels count equally, and each is measured by
    itself, because 4:2:0 video has no chroma noise at high frequencies. Levels 0..60 are what it
    is tested on; above, where clipping leaves little of the noise's shape, it errs high. Raises
    ValueError for other arrays.

    >>> grey = np.full((120, 160, 3), 128.0)
    >>> noise = 20 * np.random.default_rng(0).standard_normal(grey.shape)
    >>> round(estimate_noise(np.rint(grey + noise).astype(np.uint8)).sigma_at(128))
    20
    """
    if frame.dtype != np.uint8 or frame.ndim != 3 or min(frame.shape[:2]) < _BLOCK:
        raise ValueError(
            f"estimate_noise takes a uint8 frame [H, W, C] of at least {_BLOCK}x{_BLOCK} pixels, "
            f"not {frame.dtype} {frame.shape}"
        )
    windows = sliding_window_view(frame, (_BLOCK, _BLOCK), axis=(0, 1))
    step = max(1, math.isqrt(windows.shape[0] * windows.shape[1] // _SITES))
    sites = windows[::step, ::step]
    channels = [
        measured
        for channel in range(frame.shape[2])
        if (measured := _measure_groups(sites[:, :, channel])) is not None
    ]
    if not channels:
        return NoiseLevel(0.0, 0.0)
    mean, variance, clipped = np.mean(channels, axis=0)
    fully_weighted = clipped <= max(_MOSTLY_UNCLIPPED, float(np.median(clipped)))
    return _fit_line(mean, variance, np.where(fully_weighted, 1.0, _CLIPPED_WEIGHT))


def _measure_groups(sites: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """Mean, variance of the noise and share of clipped pixels of a channel's groups, [3, groups].

    `sites` is uint8 [rows, columns, 8, 8]. None where the channel shows no noise.
    """
    rows = sites.reshape(*sites.shape[:2], _BLOCK * _BLOCK).astype(np.float32)
    # Row by row: products so small that BLAS starts no threads, which would disturb the engine's.
    low = (rows @ _LOW.T).reshape(-1, len(_LOW))
    blocks = rows.reshape(-1, _BLOCK * _BLOCK)
    mean = low[:, 0] / _BLOCK
    np.square(low, out=low)
    texture = low[:, 1:].sum(axis=1)
    # Blocks smoother than rounding makes them (burnt-out sky, bars, captions) lost their noise.
    informative = np.flatnonzero(texture > (len(_LOW) - 1) * _ROUNDING)
    if len(informative) < max(_MIN_INFORMATIVE * len(blocks), 1):
        return None
    by_mean = informative[np.argsort(mean[informative])]
    found = np.empty((3, _GROUPS))
    for index in range(_GROUPS):
        # A tiny frame has fewer blocks than there are groups: then groups share blocks.
        start = index * len(by_mean) // _GROUPS
        group = by_mean[start : max((index + 1) * len(by_mean) // _GROUPS, start + 1)]
        count = max(1, round(_SMOOTHEST * len(group)))
        smooth = blocks[group[np.argpartition(texture[group], count - 1)[:count]]]
        variance = float(np.median(np.square(smooth @ _HIGH.T).mean(axis=0)))
        sigma = math.sqrt(max(variance - _ROUNDING, 0.0))
        grey = float(smooth.mean())
        clipped = float(np.mean((smooth == 0) | (smooth == 255)))
        found[:, index] = grey, unclipped_sigma(grey, sigma) ** 2, clipped
    return found


def _fit_line(
    mean: NDArray[np.float64], variance: NDArray[np.float64], weight: NDArray[np.float64]
) -> NoiseLevel:
    """The line variance = a*mean + b, or the constant, that the groups support best.

    All arguments are float64 [groups], means in ascending order.
    """

    def misfit(line: NoiseLevel) -> float:
        """Weighted quantile loss of log(variance / fit), so that errors count relatively."""
        fit = np.maximum(line.a * mean + line.b, 1e-3)
        excess = np.log(np.maximum(variance, 1e-3) / fit)
        loss = np.maximum(_QUANTILE * excess, (_QUANTILE - 1) * excess)
        return float(np.average(loss, weights=weight))

    constant = min((NoiseLevel(0.0, float(v)) for v in variance), key=misfit)
    if constant.sigma_at(0) < _SLOPE_FROM:
        return constant
    lines = []
    for i, j in combinations(range(len(mean)), 2):
        if mean[j] - mean[i] >= _FAR_APART:
            a = float((variance[j] - variance[i]) / (mean[j] - mean[i]))
            b = float(variance[i] - a * mean[i])
            low, high = sorted((a * mean[0] + b, a * mean[-1] + b))
            if min(b, b + 255 * a) >= 0 and high >= _SLOPE_RISE * low:
                lines.append(NoiseLevel(a, b))
    sloped = min(lines, key=misfit, default=constant)
    return sloped if misfit(sloped) < _SLOPE_GAIN * misfit(constant) else constant
