from dataclasses import replace

from rtsdb.bench.model import Load, Probe, Row, Setup
from rtsdb.bench.overview import (
    describe_conditions,
    load_table,
    notes,
    roofline_table,
    speed_table,
)
from tests.bench.reports import SETUP, make_report, make_row

FAILED = Row(Setup("abacus", "auto", 1, (64, 64)), error="no beads")


def test_every_setup_has_its_speed_or_dashes() -> None:
    row = make_row()
    assert row.engine is not None
    assert row.pipeline is not None
    bare = replace(row, pipeline=None)
    table = speed_table([row, bare, FAILED])
    first, second, third = table.rows
    assert first[0] == row.name
    assert first[1] == f"{row.engine.fps:.2f}"
    assert first[3] == f"{row.pipeline.fps / row.engine.fps:.3f}"
    assert first[-1] == str(row.pipeline.latency.count)
    assert second[1:3] == [first[1], "-"]
    assert third == [FAILED.name, *["-"] * 7]
    assert {len(line) for line in table.rows} == {len(table.headings)}


def test_what_no_machine_told_has_no_column() -> None:
    row = make_row()
    assert row.pipeline is not None
    table = load_table([row, FAILED])
    assert table is not None
    assert table.headings == ("setup", "CPU %", "RSS MB")
    assert table.rows == [[row.name, "170", "512"]]
    unknown = replace(row, pipeline=replace(row.pipeline, load=Load()))
    assert load_table([unknown]) is None
    assert load_table([FAILED]) is None


def test_power_clocks_and_temperatures_are_told_where_they_are_known() -> None:
    load = Load(
        cpu_clock_mhz=2999.6,
        gpu_clock_mhz=1500,
        power_w=12.34,
        power_of="gpu",
        energy_per_frame_j=0.4,
        temperature_c=(40, 61.6),
    )
    row = make_row()
    assert row.pipeline is not None
    table = load_table([replace(row, pipeline=replace(row.pipeline, load=load))])
    assert table is not None
    (line,) = table.rows
    assert dict(zip(table.headings, line, strict=True)) == {
        "setup": row.name,
        "CPU MHz": "3000",
        "GPU MHz": "1500",
        "W": "12.3",
        "J/frame": "0.40",
        "°C from": "40",
        "°C to": "62",
    }
    assert table.note.endswith("W, J/frame: of gpu")


def test_the_roofline_names_the_peaks_that_it_is_measured_by() -> None:
    report = make_report(make_row())
    table = roofline_table(report)
    assert table is not None
    (line,) = table.rows
    assert dict(zip(table.headings, line, strict=True)) == {
        "setup": report.rows[0].name,
        "GMAC": "20.0",
        "GB moved": "3.00",
        "TFLOP/s": "1.000",
        "of peak": "50%",
        "of copying": "30%",
        "bound by": "compute",
    }
    assert "2 TFLOP/s in fp32" in table.note
    assert "copying 40 GB/s" in table.note


def test_the_peaks_of_a_gpu_are_told_apart() -> None:
    probe = Probe({"fp32": 2.0}, 40.0, {"fp16": 80.0}, 900.0)
    table = roofline_table(replace(make_report(), probe=probe))
    assert table is not None
    assert "copying 40 GB/s, GPU: 80 TFLOP/s in fp16, GPU: copying 900 GB/s" in table.note


def test_a_row_tells_why_it_is_empty_what_it_lost_and_what_to_doubt() -> None:
    row = make_row(SETUP)
    assert row.pipeline is not None
    assert notes(FAILED) == ["not measured: no beads"]
    lossy = replace(row, pipeline=replace(row.pipeline, dropped={"queue": 3}), warnings=("noisy",))
    assert notes(lossy) == ["3 frames dropped (queue)", "noisy"]


def test_what_the_machine_tells_is_there() -> None:
    machine: dict[str, object] = {
        "cpu": "a CPU",
        "cpus": 8,
        "usable_cpus": 2,
        "gpus": ["a GPU"],
        "governor": "powersave",
        "power_mode": "MAXN",
        "turbo": None,
        "git_commit": "0123456789abcdef",
        "git_dirty": True,
    }
    assert describe_conditions(machine) == (
        "a CPU, 2 of 8 processors, a GPU, governor powersave, power mode MAXN, "
        "commit 012345678 with changes"
    )
