import math
from fractions import Fraction
from time import perf_counter

import numpy as np
import pytest

from rtsdb.pipeline import latency
from rtsdb.pipeline.latency import TOTAL, Histogram, LatencyReport, OutputLatency, Trace
from rtsdb.video.frame import Stamp


@pytest.mark.parametrize("scale", [1e-4, 1e-2, 3.0])
def test_percentiles_are_those_of_numpy_within_a_bin(scale: float) -> None:
    seconds = np.random.default_rng(0).lognormal(sigma=1.0, size=5000) * scale
    histogram = Histogram()
    for value in seconds:
        histogram.add(float(value))
    found = histogram.percentiles()
    wanted = 1000 * np.quantile(seconds, (0.5, 0.9, 0.99), method="inverted_cdf")
    assert np.allclose((found.p50, found.p90, found.p99), wanted, rtol=0.005)
    assert found.max == 1000 * seconds.max()
    assert found.count == 5000


def test_an_outlier_is_kept() -> None:
    histogram = Histogram()
    for _ in range(999):
        histogram.add(0.010)
    histogram.add(9.0)
    assert histogram.percentiles().max == 9000.0


def test_nothing_counted_is_nan() -> None:
    assert math.isnan(Histogram().percentiles().p50)


def test_stages_and_waits_add_up_to_the_total(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 1.0, 3.0, 7.0, 8.0, 10.0])
    monkeypatch.setattr(latency, "perf_counter", lambda: next(now))
    trace = Trace()  # at 0
    with trace.stage("capture"):  # 1 to 3
        pass
    trace.charge("infer", 3.0)
    trace.wait("wait for engine", less=3.0)  # at 7: 4 s since the capture, 3 of them computing
    with trace.stage("encode"):  # 8 to 10
        pass
    assert trace.seconds == {"capture": 2.0, "infer": 3.0, "wait for engine": 1.0, "encode": 2.0}
    assert trace.total == 10.0


def test_the_report_lists_stages_in_order_of_the_way() -> None:
    report, trace = LatencyReport(), Trace()
    for name in ("encode", "capture", "infer"):
        trace.charge(name, 0.1)
    report.add(trace)
    assert list(report.percentiles()) == ["capture", "infer", "encode", TOTAL]


def test_the_latency_of_outputs_counts_from_the_arrival_of_live_frames() -> None:
    latency = OutputLatency()
    latency("window", Stamp(0, 0, Fraction(1), arrived=perf_counter() - 2))
    latency("window", Stamp(1, 1, Fraction(1), arrived=perf_counter() - 3))
    latency("out.mp4", Stamp(0, 0, Fraction(1)))
    found = latency.percentiles()
    assert list(found) == ["window"]
    assert found["window"].count == 2
    assert 3000 <= found["window"].max < 60_000
