from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from rtsdb.bench import auto_tune as module
from rtsdb.bench.auto_tune import auto_tune
from rtsdb.bench.model import Quality, Report, Row, Setup
from rtsdb.bench.pareto import Recommendation
from rtsdb.engine.registry import EngineKind
from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.frame import SourceInfo
from tests.bench.reports import make_report, make_row

Tune = Callable[..., Recommendation]


class Sweeps:
    """Sweeps that measure at once: `fps` over the number of blocks, torch at half of that.

    ran: the setups of each. broken: engines that fail. interrupted: whether Ctrl-C is pressed.
    """

    def __init__(self) -> None:
        self.fps = 100.0
        self.ran: list[list[Setup]] = []
        self.broken: set[str] = set()
        self.interrupted = False

    def __call__(self, setups: Sequence[Setup], **_: Any) -> Report:
        self.ran.append(list(setups))
        report = make_report(*map(self._row, setups))
        return Report({}, {}, report.rows, interrupted=self.interrupted)

    def _row(self, setup: Setup) -> Row:
        if setup.engine in self.broken:
            return Row(setup, error="broken")
        fps = self.fps / setup.stages / (2 if setup.engine == "torch" else 1)
        return make_row(setup, 1000 / fps)


@pytest.fixture
def sweeps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sweeps:
    """OpenVINO and torch work here, a block more is worth 1 dB; nothing was measured so far."""

    def probe(kind: EngineKind) -> None:
        if kind.name not in ("openvino", "torch"):
            raise RtsdbError("not here")

    double = Sweeps()
    monkeypatch.setattr(EngineKind, "probe", probe)
    monkeypatch.setattr(module, "run_sweep", double)
    monkeypatch.setattr(module, "quality_of", lambda s, _: Quality("awgn:25", 30 + s.stages, 60))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return double


def tune(rate: float | None = 25, **typed: str) -> Recommendation:
    info = SourceInfo("clip", 640, 360, rate=None if rate is None else Fraction(rate))
    free: dict[str, Any] = dict.fromkeys(("engine", "precision", "stages", "tile"))
    settings = {**free, "precision": "fp32", **typed}
    return auto_tune(info, model="rt", progress=lambda what, done, total: None, **settings)


def chosen(found: Recommendation) -> tuple[str, int]:
    return found.candidate.setup.engine, found.candidate.setup.stages


def test_the_best_that_holds_the_source_s_rate_is_chosen(sweeps: Sweeps) -> None:
    assert chosen(tune(25)) == ("openvino", 3)
    sweeps.fps = 60.0
    assert chosen(tune(25)) == ("openvino", 3)  # as it was measured before
    assert chosen(tune(45)) == ("openvino", 2)
    assert not tune(200).holds


def test_nothing_is_measured_twice(sweeps: Sweeps) -> None:
    tune()
    assert len({setup for ran in sweeps.ran for setup in ran}) == sum(map(len, sweeps.ran))
    sweeps.ran.clear()
    tune()
    tune(engine="openvino", stages="2")
    assert sweeps.ran == []


def test_more_blocks_are_not_tried_where_fewer_are_too_slow(sweeps: Sweeps) -> None:
    sweeps.fps = 45.0  # openvino: 45, 22.5, 15; torch: 22.5 and less
    assert chosen(tune(25)) == ("openvino", 1)
    assert [[(s.engine, s.stages) for s in ran] for ran in sweeps.ran] == [
        [("openvino", 1), ("torch", 1)],
        [("openvino", 2)],
    ]


def test_what_was_typed_stays(sweeps: Sweeps) -> None:
    assert chosen(tune(25, engine="torch", stages="2")) == ("torch", 2)
    assert chosen(tune(25, stages="1")) == ("openvino", 1)
    with pytest.raises(UsageError, match="--stages 7"):
        tune(stages="7")


@pytest.mark.parametrize(
    ("engine", "message"), [("abacus", "--engine abacus: no such engine"), ("tensorrt", "not here")]
)
def test_an_engine_that_cannot_run_is_named_before_anything_is_measured(
    sweeps: Sweeps, engine: str, message: str
) -> None:
    with pytest.raises(RtsdbError, match=message):
        tune(engine=engine)
    assert sweeps.ran == []


def test_a_source_without_a_rate_is_taken_at_30(sweeps: Sweeps) -> None:
    assert tune(None).target_fps == 30


def test_what_fails_is_left_out_and_tried_again(sweeps: Sweeps) -> None:
    sweeps.broken = {"openvino"}
    assert chosen(tune(20)) == ("torch", 2)
    sweeps.broken = set()
    assert chosen(tune(20)) == ("openvino", 3)


def test_where_nothing_works_it_says_so(sweeps: Sweeps) -> None:
    sweeps.broken = {"openvino", "torch"}
    with pytest.raises(RtsdbError, match="640x360 pixels; 'rtsdb bench' says why"):
        tune()


def test_ctrl_c_ends_it(sweeps: Sweeps) -> None:
    sweeps.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        tune()
    assert len(sweeps.ran) == 1


def test_the_time_is_limited(sweeps: Sweeps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUDGET", 0.0)
    with pytest.raises(RtsdbError, match="nothing could be measured"):
        tune()
    assert sweeps.ran == []
