from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rtsdb.bench.model import Quality, Round, Row, Setup
from rtsdb.bench.pareto import Candidate, candidates, front, held_fps, recommend
from tests.bench.reports import make_row

SIZE = (640, 384)


def candidate(
    fps: float, psnr: float, miou: float = 50.0, *, precision: str = "fp32", stages: int = 1
) -> Candidate:
    setup = Setup(f"engine {fps} {psnr} {miou}", precision, stages, SIZE)
    return Candidate(setup, fps, Quality("awgn:25", psnr, miou))


some = st.lists(
    st.builds(candidate, st.integers(1, 9), st.integers(28, 31), st.integers(50, 53)),
    min_size=1,
    unique_by=lambda one: one.setup,
)


def worth(one: Candidate) -> tuple[float, float, float]:
    assert one.quality is not None
    return one.fps, one.quality.psnr, one.quality.miou


@given(some)
def test_the_front_is_what_nothing_beats(of: list[Candidate]) -> None:
    best = front(of)
    for one in of:
        beaten = [
            o
            for o in of
            if worth(o) != worth(one)
            and all(a >= b for a, b in zip(worth(o), worth(one), strict=True))
        ]
        assert (one in best) == (not beaten)


@given(some, st.integers(1, 12))
def test_the_recommended_is_on_the_front_and_holds_if_any_does(
    of: list[Candidate], target: int
) -> None:
    found = recommend(of, target)
    assert found.candidate in front(of) or found.candidate.fps == max(one.fps for one in of)
    holding = [one for one in of if one.fps >= target]
    assert found.holds == bool(holding)
    if holding:
        assert found.candidate in holding
        assert worth(found.candidate)[1:] == max(worth(one)[1:] for one in holding)


def test_what_tables_do_not_show_does_not_cost_speed() -> None:
    finer, faster = candidate(31, 30.481), candidate(60, 30.479, precision="int8")
    assert recommend([finer, faster], 30).candidate is faster
    assert front([finer, faster]) == [faster]


def test_where_quality_is_unknown_more_blocks_count_as_better() -> None:
    def unknown(stages: int, precision: str, fps: float) -> Candidate:
        one = candidate(fps, 30, stages=stages, precision=precision)
        return replace(one, quality=None)

    three = unknown(3, "int8", 40)
    of = [candidate(90, 33), unknown(2, "fp32", 80), three, unknown(3, "fp32", 35)]
    assert recommend(of, 30).candidate is of[3]
    assert recommend(of, 40).candidate is three


def test_a_rate_is_held_in_every_round() -> None:
    row = make_row(rounds=3)
    assert row.pipeline is not None
    rounds = tuple(Round((10.0,), fps) for fps in (40.0, 29.0, 50.0))
    assert held_fps(replace(row, pipeline=replace(row.pipeline, rounds=rounds))) == 29.0


def test_what_was_not_measured_is_no_candidate_and_the_same_engine_counts_once() -> None:
    auto = make_row(Setup("auto", "auto", 1, SIZE))
    auto = replace(auto, engine_kind="openvino", precision="fp32")
    same = make_row(Setup("openvino", "fp32", 1, SIZE))
    broken = Row(Setup("torch", "fp32", 1, SIZE), error="broken")
    (one,) = candidates([auto, same, broken])
    assert one.setup == same.setup
    assert one.fps == held_fps(auto)
    assert one.quality == auto.quality
