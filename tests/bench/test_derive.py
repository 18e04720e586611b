from __future__ import annotations

from dataclasses import replace

import pytest

from rtsdb.bench.cost import frame_cost
from rtsdb.bench.derive import derive, float_bytes
from rtsdb.bench.model import Derived, Probe, Row, Setup
from rtsdb.tiling import plan_tiles
from rtsdb.weights import find_model
from tests.bench.reports import make_row

SETUP = Setup("openvino", "fp32", 1, (640, 360))
ROW = make_row(SETUP)


def derived(row: Row, probe: Probe | None = None) -> Derived:
    found = derive(row, probe)
    assert found is not None
    return found


def test_rates_are_counts_by_the_median_of_infer() -> None:
    assert ROW.engine is not None
    onnx = find_model("rt", 1).onnx
    assert onnx is not None
    cost = frame_cost(onnx, "fp32", plan_tiles(360, 640))
    seconds = ROW.engine.stages["infer"].p50 / 1000
    found = derived(ROW, Probe({"fp32": 2.0}, copy_gbs=40.0))
    assert found.macs == cost.macs
    assert found.bytes_moved == cost.bytes_moved(4)
    assert found.tflops * 1e12 * seconds == pytest.approx(2 * cost.macs)
    assert found.intensity == pytest.approx(2 * cost.macs / cost.bytes_moved(4))
    assert found.peak_share == pytest.approx(found.tflops / 2)
    assert found.copy_share == pytest.approx(cost.bytes_moved(4) / seconds / 40e9)


def test_the_lower_roof_bounds() -> None:
    ridge = derived(ROW).intensity  # operations per byte
    assert derived(ROW, Probe({"fp32": 0.9 * ridge}, copy_gbs=1000.0)).bound == "compute"
    assert derived(ROW, Probe({"fp32": 1.1 * ridge}, copy_gbs=1000.0)).bound == "memory"


def test_without_a_peak_there_are_no_shares() -> None:
    for probe in (None, Probe({"int8": 1.0}, 10.0)):
        found = derived(ROW, probe)
        assert found.tflops > 0
        assert found.peak_share is None
        assert found.bound is None
    assert derived(ROW).copy_share is None


def test_what_ran_counts_not_what_was_asked_for() -> None:
    auto = replace(ROW, setup=replace(SETUP, engine="auto", precision="auto"), precision="bf16")
    assert derived(auto).macs == derived(ROW).macs
    assert derived(auto).intensity == pytest.approx(2 * derived(ROW).intensity, rel=0.02)


def test_tiles_cost_more() -> None:
    cut = replace(ROW, setup=replace(SETUP, tile=(320, 192)))
    assert derived(cut).macs > 1.2 * derived(ROW).macs


def test_nothing_follows_from_no_time() -> None:
    assert derive(Row(SETUP, error="broken"), None) is None
    assert ROW.engine is not None
    instant = {"infer": replace(ROW.engine.stages["infer"], p50=0.0)}
    assert derive(replace(ROW, engine=replace(ROW.engine, stages=instant)), None) is None


@pytest.mark.parametrize(("has_bf16", "size"), [(True, 2), (False, 4)])
def test_what_is_not_int8_is_as_the_engine_has_it(
    monkeypatch: pytest.MonkeyPatch, has_bf16: bool, size: int
) -> None:
    monkeypatch.setattr("rtsdb.bench.derive.has_bf16", lambda: has_bf16)
    assert float_bytes("openvino", "int8") == size
    assert float_bytes("onnxruntime", "int8") == 4
    assert float_bytes("tensorrt-rtx", "int8") == 2
