"""A report for the terminal: where the time goes in each setup, and all setups side by side."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rtsdb.bench.compare import change_table, compare, differences, not_compared
from rtsdb.bench.model import Distribution, Report, Row
from rtsdb.bench.overview import (
    describe_conditions,
    load_table,
    milliseconds,
    notes,
    roofline_table,
    speed_table,
)
from rtsdb.bench.tables import Table as TextTable
from rtsdb.bench.tables import choice_tables
from rtsdb.engine.registry import is_on_gpu
from rtsdb.pipeline.latency import TOTAL
from rtsdb.pipeline.run import IN_FLIGHT

_BAR = 12  # characters of a frame's whole way
_QUEUES = "frames are read as fast as they are taken, so that they wait in full queues"
_ENGINE = f"engine p50, last line: from submit to result, with {IN_FLIGHT} frames under way"
_COPIES = (
    "TensorRT's gather includes the copy to the GPU (H2D) and its stitch the copy back (D2H), "
    "other engines on a GPU copy within infer"
)


def print_report(report: Report, out: Console) -> None:
    """Print what a person looks for first; the rest is in the report's file."""
    if not report.rows:
        out.print("interrupted before the first turn was over")
        return
    out.print(describe_conditions(report.machine), highlight=False)
    out.print()
    for row in report.rows:
        if row.engine is not None:
            _print_stages(row, out)
    for table in (speed_table(report.rows), load_table(report.rows), roofline_table(report)):
        if table is not None:
            print_table(table, out)
    _print_notes(report.rows, out)
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
    shown = _grid()
    for place, heading in enumerate(table.headings):
        if place < table.names:
            shown.add_column(heading, overflow="fold")
        else:
            shown.add_column("\n".join(heading.rsplit(" ", 1)), justify="right", overflow="fold")
    for row in table.rows:
        shown.add_row(*row)
    _print_titled(table.title, shown, table.note, out)


def _print_stages(row: Row, out: Console) -> None:
    """Each stage of the pipeline with its share of a frame's way, beside the bare engine.

    The stages of the engine alone, where the pipeline was not measured.
    """
    assert row.engine is not None
    pipeline = row.pipeline
    table = _grid()
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
            "" if bare is None else milliseconds(bare.p50),
        )
    table.add_section()
    total = None if pipeline is None else pipeline.latency
    name = TOTAL if pipeline else "submit to result"
    table.add_row(name, *_figures(total), "", milliseconds(row.engine.latency.p50))
    told = {_QUEUES: pipeline is not None, _ENGINE: True, _COPIES: is_on_gpu(row.engine_kind)}
    note = "; ".join(line for line, holds in told.items() if holds)
    _print_titled(f"{row.name}: {row.plan}, {row.device}", table, note, out)


def _grid() -> Table:
    """Columns with two spaces between them, so that many fit beside each other."""
    return Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)


def _print_titled(title: str, table: Table, note: str, out: Console) -> None:
    """A table between a title and a note, which may be wider than it."""
    out.print(Text(title, "bold"))
    out.print(table)
    if note:
        out.print(Text(note, "dim"))
    out.print()


def _figures(found: Distribution | None) -> list[str]:
    if found is None:
        return [""] * 4
    return [milliseconds(value) for value in (found.p50, found.p90, found.p99, found.max)]


def _bar(share: float) -> str:
    return f"{'█' * round(share * _BAR):{_BAR}} {share:4.0%}"


def _print_notes(rows: Sequence[Row], out: Console) -> None:
    """Notes under the names of all rows that have the very same."""
    grouped: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        grouped.setdefault(tuple(notes(row)), []).append(row)
    for found, group in grouped.items():
        if found:
            out.print(*(Text(row.name, "bold") for row in group), sep="\n")
            for note in found:
                colour = "red" if group[0].error else "yellow"
                out.print(Padding(Text(note, colour), (0, 0, 0, 2)))
            out.print()
