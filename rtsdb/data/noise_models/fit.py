"""The (a, b) that describe measured noise best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rtsdb.noise import NoiseLevel

_MOSTLY_UNCLIPPED = 0.05
"""Grey levels with at most this share of clipped values take part in the fit."""


def fit_level(
    grey: NDArray[np.float64], variance: NDArray[np.float64], clipped: NDArray[np.float64]
) -> NoiseLevel:
    """The line variance = a*grey + b of least squares of relative errors; >= 0 at 0..255.

    All arguments are float64 [n]: grey levels 0..255, the noise's variance there, and the share
    of values that clipping to 0..255 changed. Levels where next to nothing was clipped decide; if
    there are few, the least clipped quarter does.

    >>> level = fit_level(np.array([0.0, 100.0, 200.0]), np.array([9.0, 7.0, 5.0]), np.zeros(3))
    >>> round(level.a, 6), round(level.b, 6)
    (-0.02, 9.0)
    """
    seen = clipped <= max(_MOSTLY_UNCLIPPED, float(np.quantile(clipped, 0.25)))
    terms = np.stack([grey, np.ones_like(grey)], axis=1)[seen]
    terms /= np.maximum(variance[seen, None], 1e-2)
    a, b = np.linalg.lstsq(terms, np.ones(len(terms)), rcond=None)[0].tolist()
    b = max(b, 0.0)
    return NoiseLevel(max(a, -b / 255), b)
