from __future__ import annotations

import pytest

from rtsdb.bench import estimate
from rtsdb.bench.cost import Cost
from rtsdb.bench.estimate import EFFICIENCY, GPUS, Estimate, PublishedGpu, parse_gpus
from rtsdb.bench.model import Setup
from rtsdb.errors import UsageError

SETUP = Setup("auto", "auto", 2, (640, 360))


@pytest.fixture(autouse=True)
def _gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU of 1 TFLOP/s, 4 in INT8, and 10 GB/s."""
    gpu = PublishedGpu("a GPU", {"fp16": 1.0, "int8": 4.0}, 10.0, "nowhere")
    monkeypatch.setitem(GPUS, "gpu", gpu)


def estimates(monkeypatch: pytest.MonkeyPatch, cost: Cost) -> dict[str, Estimate]:
    monkeypatch.setattr(estimate, "frame_cost", lambda onnx, precision, plan: cost)
    return {one.setup.precision: one for one in estimate.estimate(["gpu"], [SETUP])}


def test_the_slower_of_arithmetic_and_memory_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, fast = EFFICIENCY
    busy = Cost(macs=10**10, int8_macs=0, numbers=10**6, int8_numbers=0, frame_bytes=0)
    one = estimates(monkeypatch, busy)["fp16"]
    assert one.bound == "compute"  # 2e10 operations at 1e12 per second
    assert one.fps == pytest.approx((50 * slow, 50 * fast))
    large = Cost(macs=10**6, int8_macs=0, numbers=10**8, int8_numbers=0, frame_bytes=10**8)
    one = estimates(monkeypatch, large)["fp16"]
    assert one.bound == "memory"  # 3e8 bytes at 1e10 per second
    assert one.fps == pytest.approx((slow / 0.03, fast / 0.03))


def test_what_stays_in_float_takes_the_rate_of_float(monkeypatch: pytest.MonkeyPatch) -> None:
    half = Cost(macs=10**10, int8_macs=5 * 10**9, numbers=1, int8_numbers=1, frame_bytes=0)
    one = estimates(monkeypatch, half)["int8"]
    assert one.fps[0] == pytest.approx(EFFICIENCY[0] / (0.01 + 0.0025))


def test_each_gpu_and_setup_is_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    cost = Cost(10**9, 0, 10**6, 0, 0)
    monkeypatch.setattr(estimate, "frame_cost", lambda onnx, precision, plan: cost)
    found = estimate.estimate(["gpu", "rtx4090"], [SETUP])
    assert [(one.setup.engine, one.setup.precision) for one in found] == [
        ("gpu", "fp16"),
        ("gpu", "int8"),
        ("rtx4090", "fp16"),
        ("rtx4090", "int8"),
    ]
    assert all((one.setup.stages, one.setup.size) == (2, (640, 360)) for one in found)
    assert found[0].fps < found[2].fps


@pytest.mark.parametrize("text", ["h100", "rtx4090,h100"])
def test_gpus_without_published_figures_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="orin-agx, orin-nano, rtx4090"):
        parse_gpus(text)
