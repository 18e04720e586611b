"""Frames for the tests of the noise estimate."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from rtsdb.data.noise_models import GaussianNoise


def street(height: int = 240, width: int = 320) -> NDArray[np.uint8]:
    """A bright sky over a textured, darker ground: gradients, edges and fine texture."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    sky = 235 - 60 * y / height
    rng = np.random.default_rng(7)
    texture = 18 * cv2.GaussianBlur(rng.standard_normal((height, width)), (0, 0), 1.0)
    ground = 70 + 40 * np.sin(x / 9) * np.sin(y / 7) + 4 * texture
    grey = np.where(y < height * 0.4, sky, ground)
    grey[: height // 2, width // 3 : width // 2] = 30
    frame = np.stack([grey, grey * 0.95, grey * 0.9], axis=2)
    rounded: NDArray[np.uint8] = np.clip(np.rint(frame), 0, 255).astype(np.uint8)
    return rounded


def noisy(frame: NDArray[np.uint8], sigma: float, seed: int = 0) -> NDArray[np.uint8]:
    """The frame with 8-bit white Gaussian noise of `sigma` grey levels."""
    return GaussianNoise.awgn(sigma).apply_8bit(frame, np.random.default_rng(seed))
