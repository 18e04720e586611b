"""Scores of a denoised frame (PSNR, SSIM) and of label maps (mean IoU, pixel accuracy)."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from rtsdb.classes import VOID

Picture = NDArray[np.uint8] | NDArray[np.float32]
"""Grey levels 0..255, as bytes or in floating point."""


def psnr(a: Picture, b: Picture) -> float:
    """Peak signal-to-noise ratio of two pictures in dB: 10 log10(255^2 / MSE).

    `a` and `b` hold grey levels 0..255, in uint8 or floating point, and have one shape; the mean
    squared error runs over all pixels and channels. Equal pictures give infinity. The PSNR of a
    set of frames is the mean of their PSNRs, as in the denoising literature. Raises ValueError
    for differing shapes.

    >>> round(psnr(np.zeros((2, 2), np.uint8), np.full((2, 2), 25, np.uint8)), 2)
    20.17
    """
    _check_shapes(a, b)
    if a.dtype == b.dtype == np.uint8:
        # As one row: OpenCV limits dimensions and channels, and is slow on a single column.
        error = cv2.norm(a.reshape(1, -1), b.reshape(1, -1), cv2.NORM_L2SQR)
    else:
        error = float(np.square(a.astype(np.float64) - b).sum())
    return 10 * math.log10(255**2 * a.size / error) if error else math.inf


_SSIM_MARGIN = 5
"""Half of the 11x11 window of `ssim`: pixels nearer to an edge have no whole window."""


def ssim(a: Picture, b: Picture) -> float:
    """Structural similarity of two pictures, 1 where they are equal.

    `a` and `b` hold grey levels 0..255, in uint8 or floating point, and have one shape [H, W] or
    [H, W, C] of at least 11x11. As in Wang et al., "Image quality assessment: from error
    visibility to structural similarity", IEEE TIP 2004: Gaussian windows of 11x11 and standard
    deviation 1.5 that lie wholly inside, K1 = 0.01, K2 = 0.03; the mean over pixels and channels.
    Raises ValueError for differing or smaller shapes.

    >>> grey = np.full((16, 16), 100, np.uint8)
    >>> ssim(grey, grey), round(ssim(grey, grey + np.uint8(50)), 3)
    (1.0, 0.923)
    """
    _check_shapes(a, b)
    if a.ndim not in (2, 3) or min(a.shape[:2]) <= 2 * _SSIM_MARGIN:
        raise ValueError(f"ssim needs pictures of at least 11x11 pixels, not of shape {a.shape}")
    x, y = a.astype(np.float64), b.astype(np.float64)
    mean_x, mean_y = _local_mean(x), _local_mean(y)
    variance_x = _local_mean(x * x) - mean_x * mean_x
    variance_y = _local_mean(y * y) - mean_y * mean_y
    covariance = _local_mean(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    similarity /= (mean_x * mean_x + mean_y * mean_y + c1) * (variance_x + variance_y + c2)
    return float(similarity.mean())


def _local_mean(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaussian-weighted mean around every pixel whose window lies wholly inside."""
    side, margin = 2 * _SSIM_MARGIN + 1, _SSIM_MARGIN
    blurred = np.asarray(cv2.GaussianBlur(picture, (side, side), 1.5), np.float64)
    return blurred[margin:-margin, margin:-margin]


def _check_shapes(a: Picture, b: Picture) -> None:
    if a.shape != b.shape:
        raise ValueError(f"pictures must have one shape to compare, not {a.shape} and {b.shape}")


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
