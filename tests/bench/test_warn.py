from __future__ import annotations

from dataclasses import replace

import pytest

from rtsdb.bench.distribution import distribution
from rtsdb.bench.model import Derived, Load, Row, Setup, Side
from rtsdb.bench.warn import warnings_of

QUIET: dict[str, object] = {"governor": "performance"}


def side(load: Load | None = None, *, infer: list[float] | None = None, frames: int = 120) -> Side:
    """One that gives no reason to warn."""
    return Side(
        stages={"infer": distribution(infer or [10.0, 10.1])},
        latency=distribution([12.0] * frames),
        fps=80.0,
        rounds=(),
        warmup_ms=(),
        load=load or Load(cpu_percent=90, other_cpu_percent=5, swap_mb=0, temperature_c=(50, 55)),
        enqueue=distribution([1.0]),
    )


def row(engine: Side | None, pipeline: Side | None = None, kind: str = "openvino") -> Row:
    return Row(
        Setup(kind, "auto", 1, (640, 360)), engine_kind=kind, engine=engine, pipeline=pipeline
    )


def test_a_quiet_row_has_no_warnings() -> None:
    assert warnings_of(row(side(), side()), QUIET) == ()
    assert warnings_of(row(side(Load())), {}) == ()


def test_a_row_without_figures_has_no_warnings() -> None:
    assert warnings_of(Row(row(None).setup, error="no GPU"), {"governor": "powersave"}) == ()


@pytest.mark.parametrize(("enqueue", "warned"), [(7.9, False), (8.1, True)])
def test_submitting_that_takes_as_long_as_computing(enqueue: float, warned: bool) -> None:
    slow = replace(side(infer=[10.0]), enqueue=distribution([enqueue]))
    found = warnings_of(row(slow), QUIET)
    assert [line.startswith("submitting a frame keeps its caller 8.1 ms") for line in found] == (
        [True] * warned
    )


@pytest.mark.parametrize(
    ("kind", "spread", "fix"),
    [
        ("openvino", 0.09, None),
        ("openvino", 0.11, "end other programs"),
        ("tensorrt", 0.02, None),
        ("tensorrt", 0.03, "--lock-gpu-clocks"),
    ],
)
def test_a_large_spread_by_what_computes(kind: str, spread: float, fix: str | None) -> None:
    times = [10 * (1 - spread), 10 * (1 + spread)]
    found = warnings_of(row(side(infer=times), kind=kind), QUIET)
    assert len(found) == (fix is not None)
    if fix is not None:
        assert f"varies by {100 * spread:.1f} %" in found[0]
        assert fix in found[0]


@pytest.mark.parametrize("name", ["powersave", "performance, schedutil"])
def test_a_governor_that_follows_the_load(name: str) -> None:
    (line,) = warnings_of(row(side()), {"governor": name})
    assert name in line
    assert "cpupower frequency-set --governor performance" in line


def test_too_few_frames_are_named_by_side() -> None:
    (line,) = warnings_of(row(side(frames=99), side(frames=30)), QUIET)
    assert line == (
        "p99 needs 100 frames, and there are 99 of the engine and 30 of the pipeline: "
        "raise --seconds"
    )
    (line,) = warnings_of(row(side(), side(frames=30)), QUIET, longer="--budget")
    assert line.endswith("there are 30 of the pipeline: raise --budget")


@pytest.mark.parametrize(("share", "warned"), [(None, False), (1.0, False), (1.12, True)])
def test_an_engine_above_the_probed_peak(share: float | None, warned: bool) -> None:
    derived = Derived(1e9, 1e8, 20.0, 0.1, share, None, None)
    found = warnings_of(replace(row(side()), derived=derived), QUIET)
    assert [line.startswith("the engine reached 112% of the probed peak") for line in found] == (
        [True] * warned
    )


@pytest.mark.parametrize(
    ("load", "text"),
    [
        (Load(other_cpu_percent=21), "other processes took 21 % of a core"),
        (Load(throttled=("gpu temperature",)), "clocks were lowered meanwhile (gpu temperature)"),
        (Load(temperature_c=(50, 61)), "the machine grew warmer meanwhile, from 50 to 61 °C"),
        (Load(swap_mb=12.3), "12 MB went to or from swap"),
    ],
)
def test_a_machine_that_is_busy_hot_or_short_of_memory(load: Load, text: str) -> None:
    for engine, pipeline in ((side(), side(load)), (side(load), None)):
        (line,) = warnings_of(row(engine, pipeline), QUIET)
        assert line.startswith(text)


@pytest.mark.parametrize(
    "load",
    [Load(other_cpu_percent=20), Load(temperature_c=(50, 60)), Load(temperature_c=(60, 40))],
)
def test_what_is_ordinary_is_not_warned_about(load: Load) -> None:
    assert warnings_of(row(side(load)), QUIET) == ()


def test_every_warning_is_one_line_with_what_to_do() -> None:
    bad = Load(
        other_cpu_percent=90, throttled=("gpu power limit",), temperature_c=(30, 80), swap_mb=9
    )
    worst = replace(side(bad, infer=[5.0, 15.0], frames=3), enqueue=distribution([50.0]))
    found = warnings_of(row(worst, worst), {"governor": "ondemand"})
    assert len(found) == 8  # one for each reason
    assert all("\n" not in line and ": " in line for line in found)
