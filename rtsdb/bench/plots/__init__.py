"""A report as pictures, each as PNG and as SVG; needs matplotlib."""

from __future__ import annotations

from pathlib import Path

from rtsdb.bench.model import Report
from rtsdb.errors import MissingPackageError, UsageError
from rtsdb.files import check_writable

try:
    from rtsdb.bench.plots.latency import draw_latency
    from rtsdb.bench.plots.pareto import draw_pareto
    from rtsdb.bench.plots.roofline import draw_roofline
    from rtsdb.bench.plots.stages import draw_stages
    from rtsdb.figures import save_figure
except ImportError as error:
    raise MissingPackageError("matplotlib", extra="plot") from error

PLOTS = {
    "stages": draw_stages,
    "latency": draw_latency,
    "pareto": draw_pareto,
    "roofline": draw_roofline,
}
"""By name of the file: what draws a report, or gives None where it has nothing to show."""


def make_folder(folder: Path) -> None:
    """Make the folder for plots; raises UsageError where that, or a file in it, is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--plot {folder}: no folder can be there: {error.strerror}") from error
    check_writable(folder / "stages.png", "--plot")


def draw_plots(report: Report, folder: Path) -> list[Path]:
    """Draw all that a report has figures for, into an existing folder; gives the files."""
    paths = []
    for name, draw in PLOTS.items():
        figure = draw(report)
        if figure is not None:
            for kind in ("png", "svg"):
                paths.append(folder / f"{name}.{kind}")
                save_figure(figure, paths[-1])
    return paths
