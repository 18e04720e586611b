"""The judge: every subject on the same noisy frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from rtsdb.classes import ClassSet
from rtsdb.data.noise_models import GaussianNoise, NoiseModel, parse_noise_model
from rtsdb.data.scenes import Scene
from rtsdb.evaluation.scores import Score, Tally
from rtsdb.evaluation.subject import Subject
from rtsdb.metrics import Picture
from rtsdb.noise import NoiseLevel, NoiseTracker

CLEAN = "clean"
"""Name of the noise that is none: the row that tells what a network does to a clean frame."""


def clean_and(specs: Iterable[str]) -> dict[str, NoiseModel]:
    """The clean input and the noise models of `specs`, by name.

    Raises UsageError as `parse_noise_model` does.

    >>> list(clean_and(["awgn:25", "lowlight:8x"]))
    ['clean', 'awgn:25', 'lowlight:8x']
    """
    models = (parse_noise_model(spec) for spec in specs)
    return {CLEAN: GaussianNoise.awgn(0), **{model.spec: model for model in models}}


@dataclass(frozen=True)
class Trial:
    """What all subjects are put to.

    eight_bit: frames are clip(round(x + n)) in uint8, as a camera gives them; otherwise x + n in
    float32, as denoising papers have it. blind: subjects are told an estimate of the noise level
    from the noisy frame, not the true one. The noise of a frame depends on `seed` and the frame's
    index alone, so every subject sees the same, and so does every run. Raises UsageError for
    noise that has no float form where one is needed.
    """

    scenes: Sequence[Scene]
    classes: ClassSet
    noises: Mapping[str, NoiseModel]
    eight_bit: bool = True
    blind: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.eight_bit:
            for model in self.noises.values():
                model.apply_float(np.zeros((1, 1, 3), np.uint8), np.random.default_rng(0))

    def degrade(self, noise: str, index: int, scene: Scene) -> tuple[Picture, NoiseLevel]:
        """The noisy form of frame number `index`, and the noise level to be told."""
        model, rng = self.noises[noise], np.random.default_rng((self.seed, index))
        if not self.eight_bit:
            return model.apply_float(scene.image, rng), model.level
        noisy = model.apply_8bit(scene.image, rng)
        return noisy, NoiseTracker().update(noisy) if self.blind else model.level

    def rounds(self, subject: Subject) -> list[str]:
        """The noises a subject is judged at: a peer, told of no noise, would have nothing to do."""
        return [noise for noise in self.noises if subject.labels or noise != CLEAN]


@dataclass(frozen=True)
class Verdict:
    """The scores, in the order they were measured, and whether Ctrl-C ended it early.

    about: of each subject by name, what ran and on what.
    """

    scores: list[Score]
    about: dict[str, str]
    interrupted: bool

    def metrics(self) -> dict[str, float]:
        """What weights keep of it: 'K2/awgn:50/psnr' in dB, 'K2/awgn:50/miou' in percent."""
        return {
            f"K{score.stages}/{score.noise}/{name}": value
            for score in self.scores
            for name, value in (("psnr", score.psnr), ("miou", score.miou))
            if value is not None and isfinite(value)
        }


def judge(
    openers: Iterable[Callable[[], Subject]],
    trial: Trial,
    advance: Callable[[str], None] = lambda _: None,
) -> Verdict:
    """Open one subject after the other and measure it; Ctrl-C ends with what there is so far.

    advance: called after every frame with what is being measured. Raises UsageError for labels
    outside the classes and whatever subjects raise.
    """
    tallies: list[Tally] = []
    about: dict[str, str] = {}
    interrupted = False
    try:
        for opener in openers:
            with opener() as subject:
                about[subject.name] = subject.about
                for noise in trial.rounds(subject):
                    tallies += [
                        Tally(subject.name, stages, noise, trial.classes)
                        for stages in subject.stages
                    ]
                    _measure(subject, noise, trial, tallies[-len(subject.stages) :], advance)
    except KeyboardInterrupt:
        interrupted = True
    scores = [score for tally in tallies if (score := tally.score())]
    return Verdict(scores, about, interrupted)


def _measure(
    subject: Subject,
    noise: str,
    trial: Trial,
    tallies: list[Tally],
    advance: Callable[[str], None],
) -> None:
    for index in range(len(trial.scenes)):
        scene = trial.scenes[index]
        noisy, level = trial.degrade(noise, index, scene)
        outputs = subject.run(noisy, level, scene.labels)
        for tally, output in zip(tallies, outputs, strict=True):
            tally.add(scene, output)
        advance(f"{subject.name}, {noise}")
