"""What a phase minimises: everything jointly, one part alone as the paper has it, or a fit."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from rtsdb.models.blocks import SDB
from rtsdb.models.sdb import Estimates, SDBNet
from rtsdb.training.augment import Batch
from rtsdb.training.losses import block_losses, full_cross_entropy, half_squared_error, total_loss
from rtsdb.training.phases import Parts
from rtsdb.training.pretrained import Teacher, teacher_loss
from rtsdb.training.windows import Window, forward_windowed


class Objective(NamedTuple):
    """The loss of a step, and what it means: per block the cross-entropy, and the PSNR in dB."""

    loss: Tensor
    cross_entropy: tuple[float, ...] = ()
    psnr: tuple[float, ...] = ()


def joint_objective(
    net: SDBNet, batch: Batch, window: Window, weights: Tensor, *, bf16: bool
) -> Objective:
    """All blocks and both tasks together; denoisers learn on a window of each crop.

    weights: of the classes in the cross-entropy [classes].
    """
    with _autocast(batch, bf16):
        noisy = net.pack(batch.noisy)
        outputs = forward_windowed(net, noisy, batch.noise, window, batch.labels)
    clean = window.cut(net.pack(batch.clean))
    losses = block_losses(outputs, clean, batch.labels, weights)
    return Objective(
        total_loss(losses),
        tuple(loss.cross_entropy.item() for loss in losses),
        tuple(loss.psnr.item() for loss in losses),
    )


def last_part_objective(net: SDBNet, parts: Parts, batch: Batch, *, bf16: bool) -> Objective:
    """The last block's segmenter or denoiser alone, by the loss that the paper trains it by."""
    noisy = net.pack(batch.noisy)
    if parts is Parts.SEGMENTERS:
        with _autocast(batch, bf16):
            estimates = _NotTheLast(noisy, net.noise_maps(noisy, batch.noise), net.sdbs()[-1])
            logits = net.alternate(estimates)[-1].logits
        loss = full_cross_entropy(logits, batch.labels)
        return Objective(loss, cross_entropy=(loss.item(),))
    with _autocast(batch, bf16):
        estimate = net(noisy, batch.noise)[-1].estimate
    clean = net.pack(batch.clean)
    loss = half_squared_error(estimate, clean)
    mse = 2 * loss.item() / clean[0].numel()
    return Objective(loss, psnr=(-10 * math.log10(max(mse, 1e-10)),))


def taught_objective(net: SDBNet, teacher: Teacher, batch: Batch, *, bf16: bool) -> Objective:
    """How far the segmenter is from finding what ImageNet's encoder finds."""
    with _autocast(batch, bf16):
        return Objective(teacher_loss(net, teacher, batch))


class _NotTheLast(Estimates):
    """Estimates of all blocks but the last: its denoiser, the costliest part, is not needed."""

    def __init__(self, noisy: Tensor, sigma: Tensor | None, last: SDB) -> None:
        super().__init__(noisy, sigma)
        self._last = last

    def step(self, block: SDB, condition: Tensor) -> Tensor:
        return self.noisy if block is self._last else super().step(block, condition)


def _autocast(batch: Batch, bf16: bool) -> torch.autocast:
    return torch.autocast(batch.noisy.device.type, torch.bfloat16, enabled=bf16)
