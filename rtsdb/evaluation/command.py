"""What `rtsdb eval` does: the model, its peers, the data set and the noise, and the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rtsdb.data.datasets import dataset, load_dataset
from rtsdb.data.scenes import enlarge, spread
from rtsdb.errors import UsageError
from rtsdb.evaluation.judge import Trial, Verdict, clean_and, judge
from rtsdb.evaluation.model import check_classes, find_stages, open_with
from rtsdb.evaluation.peers import open_peers
from rtsdb.evaluation.peers.base import NoisyInput
from rtsdb.evaluation.report import Report, files_of, write_report
from rtsdb.evaluation.subject import Subject
from rtsdb.files import check_writable
from rtsdb.machine import describe_machine
from rtsdb.names import split_names
from rtsdb.weights import ModelFiles, find_model

SPLITS = ("val", "test", "train")
CONVENTIONS = {
    "8bit": "clip(round(x + n)), as a camera gives it",
    "float": "x + n, neither rounded nor clipped, as denoising papers have it",
}
SIGMAS = {
    "known": "the true noise level is given",
    "auto": "the noise level is estimated from each noisy frame",
}


@dataclass(frozen=True)
class EvalRequest:
    """The arguments of `rtsdb eval`, as its help explains them; `command` is how it was called."""

    model: str
    preset: str | None
    engine: str
    precision: str
    dataset: str
    root: Path
    split: str
    sequences: tuple[str, ...]
    enlarge: int
    noise: str
    stages: str | None
    convention: str
    sigma: str
    peers: str
    limit: int | None
    output: Path | None
    figure: Path | None
    command: str


def run_evaluation(
    request: EvalRequest, start: Callable[[int], None], advance: Callable[[str], None]
) -> tuple[Report, Callable[[], None]]:
    """Measure; gives the report, and what writes the files that were asked for.

    start: called once with the number of frames to process, all subjects and noises together.
    advance: called after each of them with what is being measured. After Ctrl-C, the report is
    of what there is, and no figure is drawn. Raises UsageError for a bad request; what writes
    raises RtsdbError where it cannot.
    """
    _check(request)
    eight_bit = request.convention == "8bit"
    draw = None if request.figure is None else _prepare_figure(request.figure)
    classes = dataset(request.dataset).classes
    stages = find_stages(request.model, parse_stages(request.stages))
    files = find_model(request.model, max(stages))
    check_classes(files, classes)
    networks = open_with(
        request.model,
        stages,
        engine=request.engine,
        precision=request.precision,
        preset=request.preset,
        eight_bit=eight_bit,
    )
    names = split_names(request.peers, "--peers") if request.peers else ()
    peers, missing = open_peers(names, eight_bit=eight_bit)
    others = [NoisyInput(), *peers]
    noises = clean_and(split_names(request.noise, "--noise"))
    scenes = load_dataset(request.dataset, request.root, request.split, request.sequences)
    scenes = spread(scenes, request.limit)
    trial = Trial(
        scenes if request.enlarge == 1 else enlarge(scenes, request.enlarge),
        classes,
        noises,
        eight_bit=eight_bit,
        blind=request.sigma == "auto",
    )
    rounds = len(networks) * len(noises) + sum(len(trial.rounds(peer)) for peer in others)
    start(rounds * len(trial.scenes))
    verdict = judge([*networks, *(partial(_itself, peer) for peer in others)], trial, advance)
    report = _report(request, files, trial, verdict, missing)

    def write() -> None:
        if request.output is not None:
            write_report(report, request.output)
        if draw is not None and not verdict.interrupted:
            with networks[-1]() as subject:
                draw(report, trial, subject)

    return report, write


def _check(request: EvalRequest) -> None:
    """Raise UsageError for options that are wrong by themselves."""
    for option, value, choices in (
        ("--split", request.split, SPLITS),
        ("--convention", request.convention, CONVENTIONS),
        ("--sigma", request.sigma, SIGMAS),
    ):
        if value not in choices:
            raise UsageError(f"{option} {value}: choose one of: {', '.join(choices)}")
    if request.sigma == "auto" and request.convention == "float":
        raise UsageError("--sigma auto: noise is estimated in 8-bit frames; use --convention 8bit")
    if request.output is not None:
        for path in files_of(request.output):
            check_writable(path, "--output")


def _prepare_figure(path: Path) -> Callable[[Report, Trial, Subject], None]:
    """What draws the figure; raises UsageError now if it could not be drawn or written then."""
    if path.suffix != ".png":
        raise UsageError(f"--figure {path}: is drawn as .png")
    check_writable(path, "--figure")
    from rtsdb.evaluation.figure import draw_figure

    return partial(draw_figure, path=path)


def _report(
    request: EvalRequest,
    files: ModelFiles,
    trial: Trial,
    verdict: Verdict,
    missing: dict[str, str],
) -> Report:
    model, sha256 = files.metadata, files.sha256
    only = "".join(f" {sequence}" for sequence in request.sequences)
    if request.enlarge > 1:
        only += f", enlarged {request.enlarge} times"
    return Report(
        command=request.command,
        machine=describe_machine(),
        settings={
            "model": request.model,
            "preset": request.preset or model.preset,
            "trained": {"data": model.data, "steps": model.steps, "sha256": sha256},
            "dataset": request.dataset,
            "split": request.split,
            "sequences": list(request.sequences),
            "enlarge": request.enlarge,
            "convention": request.convention,
            "sigma": request.sigma,
        },
        conditions=(
            f"{request.model} ({sha256[:8]}) after {model.steps} steps on "
            f"{model.data or 'unnamed data'}; "
            f"{len(trial.scenes)} frames of {request.dataset} {request.split}{only}; "
            f"noisy frames are {CONVENTIONS[request.convention]}; {SIGMAS[request.sigma]}."
        ),
        classes=trial.classes,
        frames=len(trial.scenes),
        verdict=verdict,
        missing=missing,
    )


def parse_stages(text: str | None) -> tuple[int, ...] | None:
    """Read --stages, such as '1,3'; raises UsageError for anything but numbers from 1 on.

    >>> parse_stages("3,1")
    (1, 3)
    """
    if text is None:
        return None
    try:
        stages = sorted({int(part) for part in split_names(text, "--stages")})
    except ValueError:
        stages = []
    if not stages or stages[0] < 1:
        raise UsageError(f"--stages {text}: give numbers of blocks K, such as 1,2,3")
    return tuple(stages)


def _itself(subject: Subject) -> Subject:
    return subject
