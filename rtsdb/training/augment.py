"""Random crops with camera-like variation, drawn anew for every step from (seed, step)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rtsdb.classes import VOID
from rtsdb.data.noise_models import GaussianNoise, draw_camera_noise
from rtsdb.data.scenes import Scene, spread
from rtsdb.noise import NoiseLevel


@dataclass(frozen=True)
class AugmentConfig:
    """How training crops vary.

    height, width: size in pixels, multiples of 32. plain_share: share of crops that are frames'
    own pixels, but for their noise. Of the others: scales: range of the zoom, log-uniform.
    blur_share: share of crops that are blurred a little, as large smooth frames are.
    bleeding: standard deviation of the share that one channel takes of another; grey stays grey.
    saturations: range of the factor on colour. curve: standard deviation of the logarithm of the
    exponent (gamma) of the tone curve. gains: range of the exposure factor, tints: of another one
    per channel; offsets: of what is added, in grey levels.
    mix_share: share of crops onto which half of the classes of another crop are pasted, where they
    are (ClassMix, Olsson et al., WACV 2021).
    sigmas: range of the noise level in grey levels, the higher the more often. camera_share: share
    of crops with noise of a camera in low light (`rtsdb.data.noise_models`). Of the others,
    float_share keep their noise in float, unclipped, the rest is 8-bit; shot_share have
    signal-dependent noise (a > 0), the rest AWGN.
    """

    height: int = 256
    width: int = 256
    plain_share: float = 0.0
    scales: tuple[float, float] = (0.6, 2.5)
    blur_share: float = 0.2
    bleeding: float = 0.0
    saturations: tuple[float, float] = (0.3, 1.5)
    curve: float = 0.25
    gains: tuple[float, float] = (0.5, 1.3)
    tints: tuple[float, float] = (0.85, 1.15)
    offsets: tuple[float, float] = (-10.0, 10.0)
    mix_share: float = 0.0
    sigmas: tuple[float, float] = (0.0, 60.0)
    camera_share: float = 0.2
    float_share: float = 0.25
    shot_share: float = 0.2


class Batch(NamedTuple):
    """clean, noisy: float32 [N, 3, H, W] in 0..1. noise: [N, 2] = (a, b). labels: int64."""

    clean: Tensor
    noisy: Tensor
    noise: Tensor
    labels: Tensor


def draw_batch(
    scenes: Sequence[Scene], config: AugmentConfig, *, size: int, seed: int, step: int
) -> Batch:
    """The batch of one training step; the same for the same (seed, step), whatever came before."""
    rng = np.random.default_rng((seed, step))
    crops = [_draw_crop(scenes, config, rng) for _ in range(size)]
    clean = np.stack([image for image, _ in crops])
    degraded = [_degrade(image, config, rng) for image in clean]
    return Batch(
        clean=_to_tensor(clean),
        noisy=_to_tensor(np.stack([noisy for noisy, _ in degraded])),
        noise=torch.from_numpy(np.stack([level.array() for _, level in degraded])),
        labels=torch.from_numpy(np.stack([labels for _, labels in crops]).astype(np.int64)),
    )


def _to_tensor(images: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous() / 255.0


def _draw_crop(
    scenes: Sequence[Scene], config: AugmentConfig, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    image, labels = _cut(scenes[int(rng.integers(len(scenes)))], config, rng)
    if rng.random() < config.mix_share:
        other, theirs = _cut(scenes[int(rng.integers(len(scenes)))], config, rng)
        classes = np.setdiff1d(theirs, VOID)
        pasted = np.isin(theirs, rng.choice(classes, (len(classes) + 1) // 2, replace=False))
        image = np.where(pasted[..., None], other, image)
        labels = np.where(pasted, theirs, labels)
    return image, labels


def _cut(
    scene: Scene, config: AugmentConfig, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    plain = rng.random() < config.plain_share
    low, high = np.log(config.scales)
    scale = 1.0 if plain else float(np.exp(rng.uniform(low, high)))
    sides = _window(scene.labels.shape, (config.height, config.width), scale)
    top, left = (rng.integers(a - b + 1) for a, b in zip(scene.labels.shape, sides, strict=True))
    window = (slice(top, top + sides[0]), slice(left, left + sides[1]))
    size = (config.width, config.height)
    shrink = cv2.INTER_AREA if sides[1] > config.width else cv2.INTER_CUBIC
    image = cv2.resize(scene.image[window], size, interpolation=shrink).astype(np.float32)
    # Plain INTER_NEAREST takes the upper left pixel, which shifts labels against the picture.
    labels = cv2.resize(scene.labels[window], size, interpolation=cv2.INTER_NEAREST_EXACT)
    if rng.random() < 0.5:
        image, labels = image[:, ::-1], labels[:, ::-1]
    if not plain:
        image = _relight(image, config, rng)
    return image, np.ascontiguousarray(labels, dtype=np.uint8)


def _window(frame: tuple[int, ...], crop: tuple[int, int], scale: float) -> tuple[int, ...]:
    """Height and width of what becomes a crop at `scale`: of the crop's shape, within the frame."""
    wanted = [max(round(side / scale), 32) for side in crop]
    fit = min(1.0, *(limit / side for limit, side in zip(frame, wanted, strict=True)))
    return tuple(min(round(side * fit), limit) for limit, side in zip(frame, wanted, strict=True))


def _relight(
    image: NDArray[np.float32], config: AugmentConfig, rng: np.random.Generator
) -> NDArray[np.float32]:
    """As another lens, another camera and other light would have it; whole grey levels."""
    image = np.ascontiguousarray(image)
    if rng.random() < config.blur_share:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.2)), np.float32)
    if config.bleeding:
        bleeding = rng.normal(0, config.bleeding, (3, 3))
        np.fill_diagonal(bleeding, 1 - bleeding.sum(1) + bleeding.diagonal())
        image = image @ bleeding.T.astype(np.float32)
    grey = image.mean(axis=2, keepdims=True)
    image = grey + rng.uniform(*config.saturations) * (image - grey)
    curved = 255 * np.clip(image / 255, 0, 1) ** float(np.exp(rng.normal(0, config.curve)))
    gains = rng.uniform(*config.gains) * rng.uniform(*config.tints, 3)
    lit = np.rint(curved * gains + rng.uniform(*config.offsets))
    return np.clip(lit, 0, 255).astype(np.float32)


def _degrade(
    image: NDArray[np.float32], config: AugmentConfig, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NoiseLevel]:
    """A clean crop with noise, and the level of that noise."""
    if rng.random() < config.camera_share:
        camera = draw_camera_noise(rng)
        return camera.apply_8bit(image.astype(np.uint8), rng).astype(np.float32), camera.level
    low, high = config.sigmas
    sigma = low + (high - low) * rng.random() ** 0.5  # at mid grey
    shot = rng.random() if rng.random() < config.shot_share else 0.0
    noise = GaussianNoise(NoiseLevel(shot * sigma**2 / 128.0, (1 - shot) * sigma**2))
    noisy = noise.apply_float(image, rng)
    if rng.random() >= config.float_share:
        noisy = np.clip(np.rint(noisy), 0, 255)
    return noisy, noise.level


WEIGHED_SCENES = 500
"""Most scenes that `class_weights` looks at: a large data set is read from disk to be counted."""


def class_weights(scenes: Sequence[Scene], classes: int) -> Tensor:
    """Loss weight per class [classes]: inverse square root of its share, mean 1 over pixels.

    Of more than `WEIGHED_SCENES` scenes that many are counted, evenly spread.
    """
    counts = np.zeros(256, np.int64)
    for scene in spread(scenes, WEIGHED_SCENES):
        counts += np.bincount(scene.labels.ravel(), minlength=256)
    share = np.maximum(counts[:classes] / max(counts[:classes].sum(), 1), 1e-4)
    weights = 1.0 / np.sqrt(share)
    return torch.from_numpy((weights / (weights * share).sum()).astype(np.float32))
