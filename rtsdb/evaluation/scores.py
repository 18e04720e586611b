"""The scores of one subject at one noise, gathered frame by frame."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from rtsdb.classes import ClassSet
from rtsdb.data.scenes import Scene
from rtsdb.errors import UsageError
from rtsdb.evaluation.subject import Output
from rtsdb.files import json_number
from rtsdb.metrics import ConfusionMatrix, psnr, ssim


@dataclass(frozen=True)
class Score:
    """How good a subject is at one noise.

    stages: number of blocks K, None for a peer. frames: how many were measured. psnr: mean of the
    frames' PSNR in dB, infinite where a frame came out equal. ssim: mean of the frames' SSIM.
    miou, pixel_accuracy, iou: in percent, from one confusion matrix over all frames, void left
    out; None for a peer, and for a class that neither truth nor prediction holds. ms: median
    milliseconds per frame, None where they cannot be told.
    """

    subject: str
    stages: int | None
    noise: str
    frames: int
    psnr: float
    ssim: float
    miou: float | None
    pixel_accuracy: float | None
    iou: dict[str, float | None]
    ms: float | None


class Tally:
    """Takes in a subject's outputs for the frames of a data set, and gives its score."""

    def __init__(self, subject: str, stages: int | None, noise: str, classes: ClassSet) -> None:
        self.subject, self.stages, self.noise, self.classes = subject, stages, noise, classes
        self._psnr: list[float] = []
        self._ssim: list[float] = []
        self._seconds: list[float] = []
        self._confusion: ConfusionMatrix | None = None

    def add(self, scene: Scene, output: Output) -> None:
        """Count one frame; UsageError where labels are outside the data set's classes."""
        similarity = ssim(output.denoised, scene.image)
        decibels = psnr(output.denoised, scene.image)
        if output.labels is not None:
            self._confusion = self._confusion or ConfusionMatrix(len(self.classes))
            try:
                self._confusion.update(output.labels, scene.labels)
            except ValueError as error:
                raise UsageError(f"{scene.name}, judged by {self.classes.name}: {error}") from error
        if output.seconds is not None:
            self._seconds.append(output.seconds)
        self._ssim.append(similarity)
        self._psnr.append(decibels)

    def score(self) -> Score | None:
        """The score over the frames so far, None before the first."""
        if not self._psnr:
            return None
        confusion = self._confusion
        return Score(
            subject=self.subject,
            stages=self.stages,
            noise=self.noise,
            frames=len(self._psnr),
            psnr=statistics.fmean(self._psnr),
            ssim=statistics.fmean(self._ssim),
            miou=_percent(confusion.miou()) if confusion else None,
            pixel_accuracy=_percent(confusion.pixel_accuracy()) if confusion else None,
            iou=dict(zip(self.classes.names, map(_percent, confusion.iou()), strict=True))
            if confusion
            else {},
            ms=1000 * statistics.median(self._seconds) if self._seconds else None,
        )


def _percent(share: float) -> float | None:
    return json_number(100 * float(share))
