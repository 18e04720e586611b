"""Scores of a denoised frame (PSNR) and of label maps (mean IoU, pixel accuracy)."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from rtsdb.classes import VOID


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of two 8-bit images in dB: 10 log10(255^2 / MSE).

    `a` and `b` are uint8 of one shape; the mean squared error runs over all pixels and channels.
    Equal images give infinity. The PSNR of a set of frames is the mean of their PSNRs, as in the
    denoising literature. Raises ValueError for other types or differing shapes.

    >>> round(psnr(np.zeros((2, 2), np.uint8), np.full((2, 2), 25, np.uint8)), 2)
    20.17
    """
    if a.dtype != np.uint8 or b.dtype != np.uint8 or a.shape != b.shape:
        raise ValueError(
            f"psnr compares uint8 images of one shape, not {a.dtype} {a.shape} "
            f"with {b.dtype} {b.shape}"
        )
    # As one row: OpenCV limits dimensions and channels, and is slow on a single column.
    error = cv2.norm(a.reshape(1, -1), b.reshape(1, -1), cv2.NORM_L2SQR)
    return 10 * math.log10(255**2 * a.size / error) if error else math.inf


class ConfusionMatrix:
    """Counts of (true class, predicted class) over label maps, and the scores read from them.

    `counts` is int64 [n, n], rows the truth, columns the prediction. Pixels whose truth is 255
    (void) are left out. Raises ValueError for fewer than 1 or more than 255 classes.

    >>> matrix = ConfusionMatrix(2)
    >>> matrix.update(np.array([0, 1, 1, 0], np.uint8), np.array([0, 1, 0, 255], np.uint8))
    >>> matrix.miou(), round(matrix.pixel_accuracy(), 3)
    (0.5, 0.667)
    """

    def __init__(self, n_classes: int) -> None:
        if not 1 <= n_classes <= VOID:
            raise ValueError(f"a label map tells 1 to {VOID} classes apart, not {n_classes}")
        self.counts = np.zeros((n_classes, n_classes), np.int64)

    def update(self, pred: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Count one pair of label maps, uint8 of one shape.

        Raises ValueError for other types, differing shapes, a true label that is neither a class
        nor 255, and a predicted label that is no class where the truth is one.
        """
        if pred.dtype != np.uint8 or truth.dtype != np.uint8 or pred.shape != truth.shape:
            raise ValueError(
                f"label maps must be uint8 of one shape, not {pred.dtype} {pred.shape} "
                f"and {truth.dtype} {truth.shape}"
            )
        pairs = truth.astype(np.uint16).reshape(-1)
        pairs <<= 8
        pairs |= pred.reshape(-1)
        table = np.bincount(pairs, minlength=256 * 256).reshape(256, 256)
        n = len(self.counts)
        if table[n:VOID].any():
            raise ValueError(f"the truth holds labels outside 0..{n - 1} and {VOID}")
        if table[:n, n:].any():
            raise ValueError(f"the prediction holds labels outside 0..{n - 1}")
        self.counts += table[:n, :n]

    def iou(self) -> NDArray[np.float64]:
        """Intersection over union of each class, float64 [n] in 0..1.

        A class that neither truth nor prediction holds gets nan.
        """
        hits = np.diag(self.counts)
        union = self.counts.sum(0) + self.counts.sum(1) - hits
        scores = np.full(len(hits), np.nan)
        np.divide(hits, union, out=scores, where=union > 0)
        return scores

    def miou(self) -> float:
        """Mean of the classes' IoU in 0..1, absent classes left out; nan before any pixel."""
        present = self.iou()
        present = present[~np.isnan(present)]
        return float(present.mean()) if present.size else math.nan

    def pixel_accuracy(self) -> float:
        """Share of counted pixels with the right class, in 0..1; nan before any pixel."""
        total = int(self.counts.sum())
        return int(np.trace(self.counts)) / total if total else math.nan
