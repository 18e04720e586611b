from __future__ import annotations

import math

import numpy as np
import openvino as ov
import pytest

from rtsdb.bench import probe
from rtsdb.bench.model import Probe
from rtsdb.bench.probe import best_time, copying, probe_machine, processor
from rtsdb.bench.probe.best_time import best_seconds
from rtsdb.bench.probe.copying import copy_gbs
from rtsdb.bench.probe.processor import processor_tflops


class Clock:
    """`perf_counter` that runs do with as they like."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(best_time, "perf_counter", clock)
    return clock


def test_the_best_run_counts_but_not_the_warm_up(clock: Clock) -> None:
    times = iter([0.01, 3.0, 1.0, 2.0, 5.0])

    def run() -> None:
        clock.now += next(times)

    assert best_seconds(run, budget=6.0) == 1.0
    assert next(times) == 5.0  # was not needed


def test_slow_runs_are_repeated_all_the_same(clock: Clock) -> None:
    runs = []

    def run() -> None:
        clock.now += 9.0
        runs.append(clock.now)

    assert best_seconds(run, budget=1.0, least=3) == 9.0
    assert len(runs) == 4


def test_a_copy_is_read_and_written(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def copyto(target: np.ndarray, source: np.ndarray) -> None:
        clock.now += source.nbytes / 10e9  # one after the other, for the clock is one for all
        target[:] = source

    monkeypatch.setattr(copying.np, "copyto", copyto)
    monkeypatch.setattr(copying, "usable_cpus", lambda: 1)
    assert copy_gbs(10**6) == pytest.approx(20.0)


def test_all_of_a_copy_is_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    parts: list[int] = []
    monkeypatch.setattr(copying, "usable_cpus", lambda: 3)
    monkeypatch.setattr(copying.np, "copyto", lambda target, source: parts.append(target.size))
    monkeypatch.setattr(copying, "best_seconds", lambda run: run() or 1.0)
    copy_gbs(1000)
    assert sorted(parts) == [333, 333, 334]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that take no time."""
    monkeypatch.setattr(processor, "HEIGHT", 8)
    monkeypatch.setattr(processor, "WIDTH", 8)
    monkeypatch.setattr(processor, "SIDE", 64)


@pytest.mark.parametrize("is_int8", [False, True])
def test_macs_are_those_of_the_network(small: None, is_int8: bool) -> None:
    model, macs = processor.convolutions(is_int8=is_int8)
    per_layer = 64 * 8 * 8 * 64 * 9  # outputs, and MACs of each
    assert macs == 4 * per_layer
    assert sum(op.get_type_name() == "Convolution" for op in model.get_ops()) == 4
    assert list(model.output(0).shape) == [1, 64, 8, 8]
    model, macs = processor.product(is_int8=is_int8)
    assert macs == 64**3
    assert list(model.output(0).shape) == [64, 64]


def runtime_precisions(model: ov.Model) -> set[str]:
    """What layers that multiply compute in, once compiled."""
    compiled = processor.shared_core().compile_model(model, "CPU")
    layers = (op.get_rt_info() for op in compiled.get_runtime_model().get_ops())
    kinds = {"Convolution", "FullyConnected", "MatMul"}
    return {
        str(layer["runtimePrecision"].value)
        for layer in layers
        if layer["layerType"].value in kinds
    }


def test_int8_is_computed_in_int8(small: None) -> None:
    for network in (processor.convolutions, processor.product):
        assert runtime_precisions(network(is_int8=True)[0]) <= {"u8", "i8"}
        assert not runtime_precisions(network(is_int8=False)[0]) & {"u8", "i8"}


def test_rates_are_measured_of_what_the_processor_has(
    small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "has_bf16", lambda: False)
    monkeypatch.setattr(processor, "best_seconds", lambda run: (run(), 1e-6)[1])
    rates = processor_tflops(["fp32", "fp16", "bf16", "int8"])
    macs = max(4 * 64 * 64 * 64 * 9, 64**3)
    assert rates == pytest.approx({"fp32": 2 * macs / 1e6, "int8": 2 * macs / 1e6})
    monkeypatch.setattr(processor, "has_bf16", lambda: True)
    assert processor_tflops(["bf16"]).keys() == {"bf16"}


def test_the_machine_s_peaks_are_finite(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "copy_gbs", lambda: copy_gbs(10**6))
    monkeypatch.setattr(probe, "probe_gpu", lambda precisions: ({"fp16": 80.0}, 900.0))
    peaks = probe_machine(["fp32", "fp16"])
    assert peaks.tflops.keys() == {"fp32"}
    assert 0 < peaks.tflops["fp32"] < math.inf
    assert 0 < peaks.copy_gbs < math.inf
    assert (peaks.gpu_tflops, peaks.gpu_copy_gbs) == ({"fp16": 80.0}, 900.0)
    assert isinstance(peaks, Probe)
