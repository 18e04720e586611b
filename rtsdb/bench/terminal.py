"""A report for the terminal: where the time goes in each setup, and all setups side by side."""

from __future__ import annotations

from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rtsdb.bench.compare import change_table, compare, differences, not_compared
from rtsdb.bench.model import Distribution, Report, Row
from rtsdb.bench.overview import load_table, notes, roofline_table, speed_table
from rtsdb.bench.tables import Table as TextTable
from rtsdb.bench.tables import choice_tables
from rtsdb.pipeline.latency import TOTAL

_BAR = 12  # characters of a frame's whole way
_QUEUES = "frames are read as fast as they are taken, so that they wait in full queues"


def print_report(report: Report, out: Console) -> None:
    """Print what a person looks for first; the rest is in the report's file."""
    if not report.rows:
        out.print("interrupted before the first turn was over")
        return
    for row in report.rows:
        if row.engine is not None:
            out.print(_stages(row))
    for table in (speed_table(report.rows), load_table(report.rows), roofline_table(report)):
        if table is not None:
            print_table(table, out)
    for row in report.rows:
        _print_notes(row, out)
    for table in choice_tables(report):
        print_table(table, out)
    if report.interrupted:
        out.print("interrupted: this is what was measured until then")


def print_comparison(old: Report, new: Report, out: Console) -> None:
    """Print what changed since an older report; first, what else was different."""
    out.print(f"compared with the report of {old.machine.get('date', 'an unknown date')}")
    for line in differences(old, new):
        out.print(Text(f"different: {line}", "yellow"))
    changes = compare(old, new)
    if changes:
        print_table(change_table(changes), out)
    for line in not_compared(old, new):
        out.print(Text(f"not compared: {line}", "yellow"))


def print_table(table: TextTable, out: Console) -> None:
    """Print a table of text: names to the left, numbers to the right."""
    shown = Table(title=table.title, caption=table.note, box=SIMPLE_HEAD, pad_edge=False)
    for place, heading in enumerate(table.headings):
        justify: Literal["left", "right"] = "left" if place < table.names else "right"
        shown.add_column(heading, justify=justify, overflow="fold")
    for row in table.rows:
        shown.add_row(*row)
    out.print(shown)


def _stages(row: Row) -> Table:
    """Each stage of the pipeline with its share of a frame's way, beside the bare engine.

    The stages of the engine alone, where the pipeline was not measured.
    """
    assert row.engine is not None
    pipeline = row.pipeline
    table = Table(
        title=f"{row.name}: {row.plan}, {row.device}",
        caption=_QUEUES if pipeline else None,
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("ms per frame", no_wrap=True)
    for heading in ("p50", "p90", "p99", "max"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("mean share", no_wrap=True)
    table.add_column("engine p50", justify="right")
    stages = {} if pipeline is None else pipeline.stages
    whole = sum(stage.mean for stage in stages.values())
    for name in stages or row.engine.stages:
        bare = row.engine.stages.get(name)
        table.add_row(
            name,
            *_figures(stages.get(name)),
            _bar(stages[name].mean / whole) if stages else "",
            "" if bare is None else _ms(bare.p50),
        )
    table.add_section()
    total = None if pipeline is None else pipeline.latency
    name = TOTAL if pipeline else "submit to result"
    table.add_row(name, *_figures(total), "", _ms(row.engine.latency.p50))
    return table


def _figures(found: Distribution | None) -> list[str]:
    if found is None:
        return [""] * 4
    return [_ms(value) for value in (found.p50, found.p90, found.p99, found.max)]


def _bar(share: float) -> str:
    return f"{'█' * round(share * _BAR):{_BAR}} {share:4.0%}"


def _ms(value: float) -> str:
    """Milliseconds with three or four digits that count."""
    return f"{value:.{0 if value >= 1000 else 1 if value >= 10 else 2}f}"


def _print_notes(row: Row, out: Console) -> None:
    found = notes(row)
    if found:
        out.print(Text(row.name, "bold"))
    for note in found:
        out.print(Padding(Text(note, "red" if row.error else "yellow"), (0, 0, 0, 2)))
