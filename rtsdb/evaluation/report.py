"""A verdict for people and programs: tables, Markdown, JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from rtsdb.classes import ClassSet
from rtsdb.evaluation.judge import Verdict
from rtsdb.evaluation.peers.base import NoisyInput
from rtsdb.evaluation.scores import Score
from rtsdb.files import json_number, write_text
from rtsdb.markdown import markdown_table

SCHEMA = 1
"""Version of the JSON's layout; a change that breaks a reader raises it."""


@dataclass(frozen=True)
class Report:
    """A verdict and all that is needed to read it.

    command: how it was called. settings: what was asked for and of which model, for programs;
    conditions: the same in a sentence. frames: how many each subject was to process. missing:
    reasons by the names of peers that could not be judged.
    """

    command: str
    machine: dict[str, object]
    settings: dict[str, object]
    conditions: str
    classes: ClassSet
    frames: int
    verdict: Verdict
    missing: dict[str, str]

    @property
    def scores(self) -> list[Score]:
        """The scores, those of one noise together, the noisy input itself first."""
        noises = self.noises
        return sorted(
            self.verdict.scores,
            key=lambda score: (noises.index(score.noise), score.subject != NoisyInput.name),
        )

    @property
    def noises(self) -> list[str]:
        """The kinds of noise that something was measured at."""
        return list(dict.fromkeys(score.noise for score in self.verdict.scores))

    @property
    def notes(self) -> list[str]:
        """What a reader of the tables must know, a line each."""
        notes = [f"{name}: {about}" for name, about in self.verdict.about.items()]
        notes += [f"{name}: not measured, {reason}" for name, reason in self.missing.items()]
        if self.verdict.interrupted:
            notes.insert(0, f"PARTIAL: interrupted before all {self.frames} frames were measured")
        return notes


@dataclass(frozen=True)
class Table:
    """Headings and rows of text; the first `names` columns are names, the others numbers."""

    headings: tuple[str, ...]
    rows: list[list[str]]
    names: int


def quality_table(report: Report) -> Table:
    """One row per noise and subject; with the number of frames where rows differ in it."""
    columns: dict[str, Callable[[Score], str]] = {
        "PSNR, dB": lambda score: _text(score.psnr, 2),
        "SSIM": lambda score: _text(score.ssim, 4),
        "mIoU, %": lambda score: _text(score.miou, 1),
        "pixels right, %": lambda score: _text(score.pixel_accuracy, 1),
        "ms per frame": lambda score: _text(score.ms, 1),
    }
    if report.verdict.interrupted:
        columns["frames"] = lambda score: str(score.frames)
    rows = [
        [
            score.noise,
            score.subject,
            "-" if score.stages is None else str(score.stages),
            *(text(score) for text in columns.values()),
        ]
        for score in report.scores
    ]
    rows += [["-", name, "-", *("-" for _ in columns)] for name in report.missing]
    return Table(("noise", "subject", "K", *columns), rows, names=3)


def class_table(report: Report, noises: list[str]) -> Table:
    """The IoU of every class in percent, one column per noise and number of blocks."""
    networks = [score for score in report.scores if score.iou and score.noise in noises]
    return Table(
        ("IoU, %", *(f"{score.noise} K={score.stages}" for score in networks)),
        [
            [name, *(_text(score.iou[name], 1) for score in networks)]
            for name in report.classes.names
        ],
        names=1,
    )


def as_markdown(report: Report) -> str:
    """The report as a page."""
    lines = [
        "# Quality",
        "",
        f"`{report.command}`, {report.machine['date']}, {report.machine['cpu']}.",
        "",
        report.conditions,
        "",
        *_lines(quality_table(report)),
        "",
        *(f"- {note}" for note in report.notes),
        "",
        *_lines(class_table(report, report.noises)),
    ]
    return "\n".join(lines) + "\n"


def as_json(report: Report) -> dict[str, object]:
    """The report with all digits; null stands for what is infinite or cannot be told."""
    return {
        "schema": SCHEMA,
        "command": report.command,
        "machine": report.machine,
        "settings": report.settings,
        "frames": report.frames,
        "partial": report.verdict.interrupted,
        "subjects": report.verdict.about,
        "missing": report.missing,
        "scores": [asdict(score) | {"psnr": json_number(score.psnr)} for score in report.scores],
    }


def files_of(stem: Path) -> tuple[Path, Path]:
    """The JSON and the Markdown file of a report.

    >>> [path.name for path in files_of(Path("results/quality"))]
    ['quality.json', 'quality.md']
    """
    return stem.with_name(stem.name + ".json"), stem.with_name(stem.name + ".md")


def write_report(report: Report, stem: Path) -> None:
    """Write `files_of(stem)`."""
    data, page = files_of(stem)
    write_text(json.dumps(as_json(report), indent=2) + "\n", data)
    write_text(as_markdown(report), page)


def _text(value: float | None, digits: int) -> str:
    """A number for a table; infinite is the PSNR of equal pictures."""
    if value is None:
        return "-"
    return "equal" if json_number(value) is None else f"{value:.{digits}f}"


def _lines(table: Table) -> list[str]:
    return markdown_table(table.headings, table.rows, names=table.names)
