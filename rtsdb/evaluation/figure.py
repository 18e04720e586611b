"""The report as a picture: quality against the number of blocks, and what it looks like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtsdb.classes import CAMVID
from rtsdb.data.drawn import draw_scenes
from rtsdb.errors import MissingPackageError
from rtsdb.evaluation.judge import CLEAN, Trial
from rtsdb.evaluation.report import Report
from rtsdb.evaluation.scores import Score
from rtsdb.evaluation.subject import Subject
from rtsdb.metrics import Picture
from rtsdb.video.frame import Image

try:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    from rtsdb.figures import save_figure
except ImportError as error:
    raise MissingPackageError("matplotlib", extra="plot") from error

COLUMNS = 6
"""Frames of the strip."""

WIDTH, HEIGHT = 480, 360
"""Their size in pixels; the middle quarter is shown, so that noise can be seen."""

MIDDLE = np.s_[HEIGHT // 4 : HEIGHT * 3 // 4, WIDTH // 4 : WIDTH * 3 // 4]


@dataclass(frozen=True)
class Column:
    """One frame of the strip, all uint8 [H, W, 3] RGB."""

    noise: str
    noisy: Image
    denoised: Image
    labels: Image
    truth: Image


def draw_figure(report: Report, trial: Trial, subject: Subject, *, path: Path) -> None:
    """Draw PSNR and mIoU against K, and below them a strip of frames, as PNG.

    subject: the network that processes the strip. Its frames are drawn streets, which training
    never sees, at the noises of the trial in turn: those of a data set are not ours to show.
    """
    figure = Figure(figsize=(12, 10), layout="constrained")
    halves = figure.add_gridspec(2, 1, height_ratios=[1, 2])
    above, below = figure.add_subfigure(halves[0]), figure.add_subfigure(halves[1])
    left, right = above.subplots(1, 2)
    _draw_curves(left, [s for s in report.scores if s.noise != CLEAN], "psnr", "PSNR, dB")
    _draw_curves(right, report.scores, "miou", "mIoU, %")
    axes = below.subplots(4, COLUMNS)
    for x, column in enumerate(draw_strip(trial, subject)):
        axes[0, x].set_title(column.noise)
        for y, name in enumerate(("noisy", "denoised", "labels", "truth")):
            axes[y, x].imshow(getattr(column, name))
            axes[y, x].set(xticks=[], yticks=[])
            axes[y, 0].set_ylabel(name)
    above.suptitle(report.conditions, fontsize="small", wrap=True)
    below.suptitle(
        f"K = {max(filter(None, subject.stages))} on drawn streets, whose labels are exact",
        fontsize="small",
    )
    save_figure(figure, path)


def _draw_curves(axes: Axes, scores: list[Score], what: str, title: str) -> None:
    """One curve per noise over the networks' numbers of blocks."""
    networks = [score for score in scores if score.stages is not None]
    for noise in dict.fromkeys(score.noise for score in networks):
        points = [(s.stages, getattr(s, what)) for s in networks if s.noise == noise]
        colour = "black" if noise == CLEAN else None
        axes.plot(*zip(*points, strict=True), marker="o", label=noise, color=colour)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="blocks K", title=title)
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))  # beside the curves, not on them


def draw_strip(trial: Trial, subject: Subject) -> list[Column]:
    """Drawn streets at the trial's noises in turn, as the subject's last output shows them."""
    noises = [noise for noise in trial.noises if noise != CLEAN] or [CLEAN]
    columns = []
    for index, scene in enumerate(draw_scenes(COLUMNS, first_seed=0, width=WIDTH, height=HEIGHT)):
        noise = noises[index % len(noises)]
        noisy, level = trial.degrade(noise, index, scene)
        output = subject.run(noisy, level, scene.labels)[-1]
        assert output.labels is not None
        columns.append(
            Column(
                noise,
                _to_bytes(noisy[MIDDLE]),
                _to_bytes(output.denoised[MIDDLE]),
                trial.classes.palette()[output.labels[MIDDLE]],
                CAMVID.palette()[scene.labels[MIDDLE]],
            )
        )
    return columns


def _to_bytes(picture: Picture) -> Image:
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)
