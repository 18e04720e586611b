import math

import pytest
from rich.console import Console
from rich.progress import Progress

from rtsdb.cli.console import RateColumn, progress_bar


def test_the_rate_is_shown_once_it_is_known() -> None:
    now = 0.0
    column = RateColumn("fps")
    progress = Progress(console=Console(quiet=True), get_time=lambda: now, disable=True)
    task = progress.add_task("drive", total=100, completed=40)
    assert column.render(progress.tasks[0]).plain == ""
    for seconds in range(1, 5):
        now = float(seconds)
        progress.update(task, completed=40 + 12 * seconds)
    assert column.render(progress.tasks[0]).plain == "12.0 fps"


@pytest.mark.parametrize(("memory", "remaining"), [(30.0, None), (math.inf, 700.0)])
def test_steps_longer_than_the_memory_tell_no_remaining_time(
    memory: float, remaining: float | None
) -> None:
    now = 0.0
    bar = progress_bar(memory=memory)
    bar.get_time = lambda: now
    task = bar.add_task("turns", total=10)
    for done in (1, 2, 3):
        now = 100.0 * done
        bar.update(task, completed=done)
    assert bar.tasks[0].time_remaining == remaining
