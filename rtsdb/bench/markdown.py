"""A report for a README: by which command, where and when, every table, what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rtsdb.bench.model import Report, Row
from rtsdb.bench.overview import (
    describe_conditions,
    load_table,
    milliseconds,
    notes,
    roofline_table,
    speed_table,
)
from rtsdb.bench.tables import Table, choice_tables
from rtsdb.errors import UsageError
from rtsdb.files import check_writable, write_text
from rtsdb.markdown import markdown_table, replace_between
from rtsdb.pipeline.latency import STAGES

MARKS = "<!-- rtsdb bench -->", "<!-- /rtsdb bench -->"
"""In a file, a report lies between these, which a page does not show; the rest is the user's."""


def to_markdown(report: Report) -> str:
    """The report as a section of a page."""
    command = report.arguments.get("command", "rtsdb bench")
    tables = (
        speed_table(report.rows),
        stage_table(report.rows),
        load_table(report.rows),
        roofline_table(report),
    )
    parts = [f"`{command}`, {describe_conditions(report.machine)}."]
    if report.interrupted:
        parts.append("Interrupted: this is what was measured until then.")
    parts += [_section(table) for table in (*tables, *choice_tables(report)) if table is not None]
    lines = [
        f"- {row.name}: {' '.join(note.split())}" for row in report.rows for note in notes(row)
    ]
    return "\n\n".join([*parts, "\n".join(lines)] if lines else parts)


def check_markdown(path: Path) -> None:
    """Raise UsageError where `write_markdown` would."""
    check_writable(path, "--markdown")
    _inserted("", path)


def write_markdown(report: Report, path: Path) -> None:
    """Put a report between `MARKS`, which a file that is new or empty gets with it.

    Raises UsageError for a file that has text but not each mark once; it is left alone.
    """
    write_text(_inserted(to_markdown(report), path), path)


def stage_table(rows: Sequence[Row]) -> Table | None:
    """The median of each stage of the pipeline, setup by setup; None where none was measured."""
    found = [(row.name, row.pipeline.stages) for row in rows if row.pipeline is not None]
    if not found:
        return None
    names = [name for name in STAGES if any(name in stages for _, stages in found)]
    return Table(
        "where the time goes",
        ("setup", *names),
        [
            [setup, *(milliseconds(stages[name].p50) if name in stages else "-" for name in names)]
            for setup, stages in found
        ],
        names=1,
        note="ms, median of each stage of the pipeline",
    )


def _section(table: Table) -> str:
    """A table under its title, with its note beneath."""
    lines = markdown_table(table.headings, table.rows, names=table.names)
    title = f"**{table.title[0].upper()}{table.title[1:]}**"
    return "\n".join([title, "", *lines, *(["", f"{table.note}."] if table.note else [])])


def _inserted(text: str, path: Path) -> str:
    """What `path` is to hold with `text` in it; raises UsageError as `write_markdown` does."""
    try:
        found = path.read_bytes().decode() if path.exists() else ""
        if not found.strip():
            return "\n".join([MARKS[0], text, MARKS[1], ""])
        return replace_between(found, MARKS, [text])
    except UnicodeDecodeError as error:
        raise UsageError(f"--markdown {path}: is no text in UTF-8") from error
    except ValueError as error:
        raise UsageError(
            f"--markdown {path}: has other text, and {error}; write {' and '.join(MARKS)} around "
            "the place of the report, or give another file"
        ) from error
