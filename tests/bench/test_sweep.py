from __future__ import annotations

from typing import Any

import pytest

from rtsdb.bench import sweep
from rtsdb.bench.model import Report, Setup
from rtsdb.bench.sweep import run_sweep, sweep_setups
from rtsdb.engine.registry import EngineKind
from rtsdb.errors import MissingPackageError, UsageError
from tests.bench.reports import make_report, make_row

SMALL = (640, 360)


@pytest.fixture(autouse=True)
def _engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenVINO and torch work here, and the processor has no bfloat16."""

    def probe(kind: EngineKind) -> None:
        if kind.name not in ("openvino", "torch"):
            raise MissingPackageError(kind.package, extra=kind.extra)

    monkeypatch.setattr(EngineKind, "probe", probe)
    monkeypatch.setattr(sweep, "has_bf16", lambda: False)


def names(setups: tuple[Setup, ...]) -> list[str]:
    return [f"{one.engine} {one.precision} {one.stages}" for one in setups]


def test_everything_that_works_is_tried_fewer_blocks_first() -> None:
    assert names(sweep_setups("640x360")) == [
        f"{what} {blocks}"
        for blocks in (1, 2, 3)
        for what in ("openvino int8", "openvino fp32", "torch fp32")
    ]


def test_bfloat16_is_tried_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "has_bf16", lambda: True)
    assert "openvino bf16 1" in names(sweep_setups("640x360"))


def test_what_was_typed_stays() -> None:
    found = sweep_setups("640x360", engine="onnxruntime", precision="auto", stages="2")
    assert names(found) == ["onnxruntime int8 2", "onnxruntime fp32 2"]
    assert names(sweep_setups("640x360", precision="int8", stages="1,3")) == [
        "openvino int8 1",
        "openvino int8 3",
    ]


def test_tiles_are_tried_where_they_cut() -> None:
    def tiles(size: str, tile: str | None = None) -> set[tuple[int, int] | None]:
        return {one.tile for one in sweep_setups(size, stages="1", tile=tile)}

    assert tiles("1024x512") == {None}
    assert tiles("1280x512") == {None, (1024, 512)}
    assert tiles("640x360", "none") == {None}
    assert tiles("320x192", "640x384") == {(640, 384)}


def test_what_nothing_does_is_refused() -> None:
    with pytest.raises(UsageError, match="--precision fp16: nothing"):
        sweep_setups("640x360", precision="fp16")


def sweep_of(
    monkeypatch: pytest.MonkeyPatch, setups: list[Setup], report: Report, budget: float
) -> tuple[Report, dict[str, Any]]:
    """What a sweep reports where the session gives `report`, and what it asked of that."""
    asked: dict[str, Any] = {}

    def run_bench(setups: list[Setup], **how: Any) -> Report:
        asked.update(how)
        return report

    monkeypatch.setattr(sweep, "run_bench", run_bench)
    found = run_sweep(
        setups, source="demo", budget=budget, arguments={}, progress=lambda what, done, total: None
    )
    return found, asked


def test_what_the_budget_was_too_short_for_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    setups = [Setup("torch", "fp32", k, SMALL) for k in (1, 2, 3)]
    measured = make_report(make_row(setups[0]))
    found, _ = sweep_of(monkeypatch, setups, measured, 20)
    assert found.rows[0] == measured.rows[0]
    assert [row.setup for row in found.rows] == setups
    assert [row.error for row in found.rows[1:]] == ["the 20 s of --budget were over"] * 2


def test_an_interrupted_sweep_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    setups = [Setup("torch", "fp32", k, SMALL) for k in (1, 2)]
    partial = Report({}, {}, (make_row(setups[0]),), interrupted=True)
    assert sweep_of(monkeypatch, setups, partial, 20)[0] is partial


def test_a_longer_budget_measures_each_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    setups = [Setup("torch", "fp32", k, SMALL) for k in (1, 2)]
    seconds = [sweep_of(monkeypatch, setups, make_report(), s)[1] for s in (1, 100, 200)]
    assert 0 < seconds[0]["seconds"] < seconds[1]["seconds"] < seconds[2]["seconds"]
    for asked, budget in zip(seconds, (1, 100, 200), strict=True):
        assert asked["budget"] == budget
    assert 2 * len(setups) * seconds[2]["seconds"] < 200
