"""`rtsdb run --resume`: recordings one by one, with a bar for each and a table of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from rtsdb.cli.console import RateColumn, console, progress_bar
from rtsdb.errors import HangsError, RtsdbError

if TYPE_CHECKING:
    from rtsdb.pipeline.command import RunRequest
    from rtsdb.recordings.plan import Recording
    from rtsdb.recordings.run import Ended


def process_recordings(request: RunRequest) -> None:
    """Process them and print what became of each; exit code 1 where one failed, 130 for Ctrl-C."""
    from rtsdb.recordings.run import run_recordings

    with progress_bar(RateColumn("fps")) as bar:
        ended = run_recordings(request, _Bar(bar))
    _print_table(ended)
    if any(one.state in ("interrupted", "waiting") for one in ended):
        console.print("interrupted; the same command goes on")
        raise typer.Exit(130)
    errors = [one.error for one in ended if one.error is not None]
    if errors:
        hangs = (e for e in errors if any(isinstance(x, HangsError) for x in (e, e.__cause__)))
        raise RtsdbError(f"{len(errors)} of {len(ended)} recordings failed") from next(
            hangs, errors[0]
        )


class _Bar:
    """Shows the recording that has its turn, and at once what made one fail."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("", start=False, visible=False)

    def start(self, recording: Recording, place: str, done: int, total: int | None) -> None:
        what = f"{escape(recording.source.name)} ({place})"
        self._bar.reset(self._task, total=total, completed=done, visible=True, description=what)

    def advance(self, done: int) -> None:
        self._bar.update(self._task, completed=done)

    def end(self, ended: Ended) -> None:
        self._bar.update(self._task, visible=False)
        if ended.why is not None:
            name = escape(ended.recording.source.name)
            console.print(f"{name}: failed: {escape(ended.why)}", soft_wrap=True)


def _print_table(ended: list[Ended]) -> None:
    table = Table("recording", "frames", "fps", "")
    for column in table.columns[1:3]:
        column.justify = "right"
    for one in ended:
        table.add_row(
            escape(one.recording.source.name),
            str(one.frames),
            f"{one.fps:.1f}" if one.fps else "",
            one.state if one.why is None else f"failed: {escape(one.why)}",
        )
    Console().print(table)
