from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import cv2
import pytest

from rtsdb.bench import plots
from rtsdb.bench.model import Probe, Row, Setup
from rtsdb.bench.plots import PLOTS, draw_plots, make_folder
from rtsdb.bench.plots.latency import draw_latency
from rtsdb.bench.plots.pareto import draw_pareto
from rtsdb.bench.plots.roofline import Roof, draw_roofline, find_roofs
from rtsdb.bench.plots.stages import LOOKS, draw_stages
from rtsdb.bench.plots.style import points
from rtsdb.errors import MissingPackageError, UsageError
from rtsdb.figures import save_figure
from rtsdb.pipeline.latency import STAGES
from tests.bench.reports import SETUP, make_report, make_row

BETTER = replace(SETUP, stages=3)
BROKEN = Row(SETUP, error="not installed")


def test_files_are_png_and_svg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # One plot, that with most in it, and one without a figure: all are saved alike.
    monkeypatch.setattr(plots, "PLOTS", {"latency": draw_latency, "pareto": draw_pareto})
    paths = draw_plots(make_report(make_row(), BROKEN), tmp_path)
    assert paths == [tmp_path / "latency.png", tmp_path / "latency.svg"]
    assert set(tmp_path.iterdir()) == set(paths)
    check_picture(paths[0])
    assert ElementTree.parse(paths[1]).getroot().tag.endswith("svg")


@pytest.mark.parametrize("name", sorted(PLOTS.keys() - {"latency"}))
def test_every_plot_can_be_rendered(name: str, tmp_path: Path) -> None:
    figure = PLOTS[name](make_report(make_row(), make_row(BETTER, 90.0), BROKEN))
    assert figure is not None
    save_figure(figure, tmp_path / "plot.png")
    check_picture(tmp_path / "plot.png")


def check_picture(path: Path) -> None:
    """A file is a large picture, and not an empty one."""
    picture = cv2.imread(str(path))
    assert picture is not None
    assert picture.shape[1] >= 1200
    assert picture.std() > 10


def test_what_there_is_nothing_of_is_not_drawn() -> None:
    for draw in PLOTS.values():
        assert draw(make_report(BROKEN)) is None
    assert draw_roofline(replace(make_report(), probe=None)) is None
    assert draw_pareto(make_report()) is None
    assert draw_pareto(make_report(make_row(), make_row(replace(SETUP, size=(64, 64))))) is None
    unknown = [replace(make_row(setup), quality=None) for setup in (SETUP, BETTER)]
    assert draw_pareto(make_report(*unknown)) is None


def test_a_setup_without_a_pipeline_has_its_engine_drawn() -> None:
    report = make_report(replace(make_row(), pipeline=None))
    stages, latency = draw_stages(report), draw_latency(report)
    assert stages is not None
    assert latency is not None
    assert [text.get_text() for text in stages.axes[0].get_yticklabels()] == ["bare engine"]
    assert len(latency.axes) == 2


def test_every_stage_has_a_look() -> None:
    assert set(LOOKS) == set(STAGES)
    assert len(set(LOOKS.values())) == len(LOOKS)


def test_a_bar_is_as_long_as_its_stages_take() -> None:
    row = make_row()
    assert row.pipeline is not None
    assert row.engine is not None
    figure = draw_stages(make_report(row))
    assert figure is not None
    bars = figure.axes[0].patches
    assert len(bars) == len(row.pipeline.stages) + len(row.engine.stages)
    for side in (row.pipeline, row.engine):
        ends = [bar.get_x() + bar.get_width() for bar in bars]  # type: ignore[attr-defined]
        assert any(end == pytest.approx(sum(s.mean for s in side.stages.values())) for end in ends)


def test_every_frame_is_in_the_histogram_and_on_the_time_line() -> None:
    row = make_row(rounds=5)
    figure = draw_latency(make_report(row))
    assert figure is not None
    timeline, histogram = figure.axes[:2]
    assert sum(bar.get_width() for bar in histogram.patches) == 50  # type: ignore[attr-defined]
    *before, _, _, _, _, last = [len(line.get_xdata()) for line in timeline.lines]
    assert row.engine is not None
    assert sum(before) == len(row.engine.warmup_ms)
    assert last == 10
    assert timeline.get_xlim()[0] < -len(row.engine.warmup_ms)


def test_each_size_has_its_own_front() -> None:
    small = [make_row(replace(setup, size=(640, 360))) for setup in (SETUP, BETTER)]
    figure = draw_pareto(make_report(make_row(), make_row(BETTER, 90.0), *small))
    assert figure is not None
    assert [axes.get_title() for axes in figure.axes] == ["1280x720"] * 2 + ["640x360"] * 2
    [psnr, *_] = figure.axes
    filled = [line.get_fillstyle() for line in psnr.lines if line.get_marker() != "None"]
    assert filled == ["full", "full"]


def test_roofs_are_those_of_what_ran_and_was_probed() -> None:
    probe = Probe({"fp32": 2.0, "int8": 4.0}, 40.0, {"fp16": 80.0}, 900.0)
    rows = [
        make_row(),
        make_row(Setup("tensorrt", "fp16", 1, (64, 64))),
        make_row(Setup("tensorrt", "int8", 1, (64, 64))),
        make_row(Setup("torch", "bf16", 1, (64, 64))),
    ]
    assert find_roofs(probe, rows) == [Roof("fp32", 2.0, 40.0), Roof("GPU, fp16", 80.0, 900.0)]
    assert [roof.name for roof in find_roofs(replace(probe, gpu_copy_gbs=None), rows)] == ["fp32"]


def test_a_dozen_setups_look_different() -> None:
    setups = [replace(SETUP, stages=k, size=(n, n)) for k in (1, 2, 3) for n in range(18)]
    assert len(set(points(setups).values())) == len(setups)


def test_a_folder_is_made_where_that_is_possible(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "file").write_text("")
    for bad in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UsageError, match=f"--plot {bad}"):
            make_folder(bad)


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("rtsdb.bench.plots")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingPackageError, match=r"matplotlib.*rtsdb\[plot\]"):
        import rtsdb.bench.plots  # noqa: F401
