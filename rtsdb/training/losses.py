"""Losses: of all blocks added up, and those that the paper trains its parts by."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from rtsdb.classes import VOID
from rtsdb.models.sdb import BlockOutput
from rtsdb.models.upsample import upsample


class BlockLoss(NamedTuple):
    """Losses of one block: class-weighted cross-entropy; mean over the batch of ln(MSE)."""

    cross_entropy: Tensor
    log_mse: Tensor


def block_losses(
    outputs: list[BlockOutput], clean: Tensor, labels: Tensor, weights: Tensor
) -> list[BlockLoss]:
    """Losses per block, from labels int64 [N, H, W] and the packed clean frame (0..1).

    clean is as large as the estimates: the whole crop, or the window denoisers learn on. The
    logarithm of the squared error (PSNR itself, but for a factor) gives every noise level the
    same say; 1e-5 keeps pictures that are nearly clean from taking over.
    """
    target = labels[:, ::2, ::2]
    losses = []
    for output in outputs:
        logits = upsample(output.logits.float(), 2)
        entropy = functional.cross_entropy(logits, target, weights, ignore_index=VOID)
        mse = (output.estimate.float() - clean).square().mean(dim=(1, 2, 3))
        losses.append(BlockLoss(entropy, torch.log(mse + 1e-5).mean()))
    return losses


def total_loss(losses: list[BlockLoss]) -> Tensor:
    """The sum that is minimised: all blocks count alike."""
    return torch.stack([loss.cross_entropy + 0.5 * loss.log_mse for loss in losses]).mean()


def full_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy, at full size, of logits [N, classes, H/4, W/4] with labels int64 [N, H, W]."""
    return functional.cross_entropy(upsample(logits.float(), 4), labels, ignore_index=VOID)


def half_squared_error(estimate: Tensor, clean: Tensor) -> Tensor:
    """Squared error of a picture over two, mean over the batch; both are [N, C, h, w].

    The same for frames in 0..1 and packed ones: packing is orthonormal.
    """
    return (estimate.float() - clean).square().sum() / (2 * len(clean))
