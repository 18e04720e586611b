from __future__ import annotations

from dataclasses import replace

from rtsdb.bench.estimate import EFFICIENCY, GPUS, Estimate
from rtsdb.bench.model import Report, Row, Setup
from rtsdb.bench.pareto import held_fps
from rtsdb.bench.tables import Table, choice_tables, estimate_table
from tests.bench.reports import make_report, make_row

SMALL, BIG = (640, 384), (1280, 768)


def row(size: tuple[int, int], stages: int, fps: float) -> Row:
    return make_row(Setup("openvino", "fp32", stages, size), 1000 / fps)


def at(target_fps: float, *rows: Row) -> Report:
    return replace(make_report(*rows), arguments={"target_fps": target_fps})


def column(table: Table, heading: str) -> list[str]:
    place = table.headings.index(heading)
    return [cells[place] for cells in table.rows]


def test_settings_are_compared_size_by_size() -> None:
    rows = [row(SMALL, 1, 90), row(SMALL, 2, 50), row(SMALL, 3, 20), row(BIG, 1, 20)]
    holds, small = choice_tables(at(40, *rows))
    assert holds.title == "largest frames that hold 40 fps"
    assert column(holds, "K") == ["1", "2", "3"]
    assert column(holds, "measured") == [str(rows[0].setup), str(rows[1].setup), "none"]
    assert small.title.startswith(f"rate against quality, 640x384: for 40 fps take {rows[1].setup}")
    assert column(small, "setting") == [str(row.setup) for row in rows[:3]]
    assert column(small, "choice") == ["front", "recommended", "front"]
    assert column(small, "fps") == [f"{held_fps(row):.1f}" for row in rows[:3]]
    assert column(small, "PSNR, dB") == ["30.20", "30.40", "30.60"]


def test_where_none_holds_the_fastest_is_named() -> None:
    rows = [row(SMALL, 1, 25), replace(row(SMALL, 2, 12), quality=None)]
    holds, small = choice_tables(at(30, *rows))
    assert column(holds, "measured") == ["none", "none"]
    assert f"none holds 30 fps; the fastest is {rows[0].setup}" in small.title
    assert column(small, "choice") == ["front", "front"]
    assert column(small, "mIoU, %") == ["60.0", "-"]


def test_older_reports_without_a_target_are_judged_by_30_fps() -> None:
    (holds,) = choice_tables(make_report(row(SMALL, 1, 90)))
    assert holds.title == "largest frames that hold 30 fps"


def test_nothing_measured_is_nothing_to_choose_from() -> None:
    failed = Row(Setup("torch", "fp32", 1, SMALL), error="broken")
    assert choice_tables(make_report(failed)) == []


def test_estimates_are_called_so_with_formula_and_sources() -> None:
    setup = Setup("orin-nano", "int8", 3, BIG)
    table = estimate_table([Estimate(setup, (4.25, 17.4), "memory")])
    assert table.title.startswith("ESTIMATE, NOT MEASURED")
    assert table.rows == [[GPUS["orin-nano"].title, "1280x768", "int8", "3", "4.2 to 17", "memory"]]
    assert GPUS["orin-nano"].source in table.note
    assert "(assumed)" in table.note
    for share in EFFICIENCY:
        assert f"{share:g}" in table.note
