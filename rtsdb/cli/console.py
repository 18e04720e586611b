"""Where commands write what is not their result: standard error."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

console = Console(stderr=True)


def print_written(what: str, *paths: Path) -> None:
    """Say where something was written, in one line however long it is."""
    places = ", ".join(f"[bold]{escape(str(path))}[/]" for path in paths)
    console.print(f"{escape(what)}: {places}", soft_wrap=True)


class RateColumn(ProgressColumn):
    """Steps per second, of late."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        """Nothing until it is known."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f} {self._unit}")


def progress_bar(*columns: ProgressColumn, memory: float = 30.0) -> Progress:
    """A progress bar on standard error, with count, elapsed and remaining time, and `columns`.

    memory: seconds of the past by which the remaining time is reckoned; more where a step takes
    long, or steps take turns that are not equally long.
    """
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        *columns,
        console=console,
        speed_estimate_period=memory,
    )
