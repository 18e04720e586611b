from rich.console import Console
from rich.progress import Progress

from rtsdb.cli.console import RateColumn


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
