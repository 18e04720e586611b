"""Random crops with camera-like variation, drawn anew for every step from (seed, step)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rtsdb.classes import VOID
from rtsdb.data.scenes import Scene


@dataclass(frozen=True)
class AugmentConfig:
    """How training crops vary.

    crop: side in pixels, a multiple of 32. scales: range of the zoom, log-uniform.
    gains: range of the exposure factor. sigma_max: largest noise level in grey levels.
    float_share: share of crops whose noise stays float, unclipped; the rest is 8-bit.
    shot_share: share of crops with signal-dependent noise (a > 0); the rest is AWGN.
    """

    crop: int = 256
    scales: tuple[float, float] = (0.6, 2.5)
    gains: tuple[float, float] = (0.5, 1.2)
    sigma_max: float = 60.0
    float_share: float = 0.25
    shot_share: float = 0.25


class Batch(NamedTuple):
    """clean, noisy: float32 [N, 3, H, W] in 0..1. noise: [N, 2] = (a, b). labels: int64."""

    clean: Tensor
    noisy: Tensor
    noise: Tensor
    labels: Tensor


def draw_batch(
    scenes: list[Scene], config: AugmentConfig, *, size: int, seed: int, step: int
) -> Batch:
    """The batch of one training step; the same for the same (seed, step), whatever came before."""
    rng = np.random.default_rng((seed, step))
    crops = [_draw_crop(scenes[rng.integers(len(scenes))], config, rng) for _ in range(size)]
    clean = np.stack([image for image, _ in crops])
    noise = np.stack([_draw_noise(config, rng) for _ in crops])
    noisy = np.stack(
        [
            _add_noise(image, level, rng.random() < config.float_share, rng)
            for image, level in zip(clean, noise, strict=True)
        ]
    )
    return Batch(
        clean=_to_tensor(clean),
        noisy=_to_tensor(noisy),
        noise=torch.from_numpy(noise),
        labels=torch.from_numpy(np.stack([labels for _, labels in crops]).astype(np.int64)),
    )


def _to_tensor(images: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous() / 255.0


def _draw_crop(
    scene: Scene, config: AugmentConfig, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    low, high = np.log(config.scales)
    scale = float(np.exp(rng.uniform(low, high)))
    height, width = scene.labels.shape
    side = min(max(round(config.crop / scale), 32), height, width)
    top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
    window = (slice(top, top + side), slice(left, left + side))
    size = (config.crop, config.crop)
    shrink = cv2.INTER_AREA if side > config.crop else cv2.INTER_CUBIC
    image = cv2.resize(scene.image[window], size, interpolation=shrink).astype(np.float32)
    labels = cv2.resize(scene.labels[window], size, interpolation=cv2.INTER_NEAREST)
    if rng.random() < 0.5:
        image, labels = image[:, ::-1], labels[:, ::-1]
    gain = rng.uniform(*config.gains) * rng.uniform(0.9, 1.1, 3)
    shifted = np.clip(np.rint(image * gain + rng.uniform(-10, 10)), 0, 255)
    return shifted.astype(np.float32), np.ascontiguousarray(labels, dtype=np.uint8)


def _draw_noise(config: AugmentConfig, rng: np.random.Generator) -> NDArray[np.float32]:
    """(a, b) whose noise level at mid grey is uniform in 0..sigma_max."""
    sigma = rng.uniform(0, config.sigma_max)
    shot = rng.random() if rng.random() < config.shot_share else 0.0
    return np.array([shot * sigma**2 / 128.0, (1 - shot) * sigma**2], np.float32)


def _add_noise(
    image: NDArray[np.float32],
    level: NDArray[np.float32],
    keep_float: bool,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    a, b = level
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    noisy: NDArray[np.float32] = image + noise * np.sqrt(a * image + b)
    return noisy if keep_float else np.clip(np.rint(noisy), 0, 255)


def class_weights(scenes: list[Scene], classes: int) -> Tensor:
    """Loss weight per class [classes]: inverse square root of its share, mean 1 over pixels."""
    counts = np.zeros(256, np.int64)
    for scene in scenes:
        counts += np.bincount(scene.labels.ravel(), minlength=256)
    assert counts[VOID + 1 :].size == 0
    share = np.maximum(counts[:classes] / max(counts[:classes].sum(), 1), 1e-4)
    weights = 1.0 / np.sqrt(share)
    return torch.from_numpy((weights / (weights * share).sum()).astype(np.float32))
