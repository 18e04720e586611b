"""The distribution of a duration, exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rtsdb.bench.model import Distribution


def distribution(values_ms: Sequence[float]) -> Distribution:
    """Count, mean, population standard deviation, extremes and percentiles of all values.

    A percentile is the smallest value that at least so many percent of the values do not exceed:
    always one that was measured (definition 1 of Hyndman and Fan, "Sample Quantiles in
    Statistical Packages", The American Statistician 50(4), 1996). Raises ValueError for no value.

    >>> spread = distribution([4.0, 1.0, 2.0, 3.0])
    >>> spread.count, spread.mean, spread.p50, spread.p90, spread.max
    (4, 2.5, 2.0, 4.0, 4.0)
    """
    values = np.asarray(values_ms, np.float64)
    if not values.size:
        raise ValueError("no value, no distribution")
    p50, p90, p95, p99 = np.percentile(values, (50, 90, 95, 99), method="inverted_cdf")
    return Distribution(
        count=values.size,
        mean=float(values.mean()),
        std=float(values.std()),
        min=float(values.min()),
        p50=float(p50),
        p90=float(p90),
        p95=float(p95),
        p99=float(p99),
        max=float(values.max()),
    )
