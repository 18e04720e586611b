"""Losses: of all blocks added up, and those that the paper trains its parts by."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from rtsdb.classes import VOID
from rtsdb.models.sdb import BlockOutput
from rtsdb.models.upsample import upsample

WEIGHT_IN_LOGITS = 0.75
"""Share of a class's weight, as a logarithm, that training adds to logits and use does not: logit
adjustment (Menon et al., ICLR 2021). Of 0, 0.25, ... 1 it gave the highest mIoU on train frames."""

NEARLY_CLEAN = 5e-4
"""Squared error (of frames in 0..1; 33 dB) below which a better estimate counts less and less: of a
logarithm alone, nearly clean crops have the steepest gradients, at the cost of noisy ones."""


class BlockLoss(NamedTuple):
    """Losses of one block: class-weighted cross-entropy; mean over the batch of ln(MSE + c).

    c: `NEARLY_CLEAN`. psnr: what the second means, in dB, mean over the batch; no crop has over 50.
    """

    cross_entropy: Tensor
    log_mse: Tensor
    psnr: Tensor


def block_losses(
    outputs: list[BlockOutput], clean: Tensor, labels: Tensor, weights: Tensor
) -> list[BlockLoss]:
    """Losses per block, from labels int64 [N, H, W] and the packed clean frame (0..1).

    clean is as large as the estimates: the whole crop, or the window denoisers learn on. The
    logarithm of the squared error, PSNR but for a factor, lets no frame's contrast decide.
    """
    losses = []
    for output in outputs:
        entropy = _square_cross_entropy(output.logits, labels, weights)
        mse = (output.estimate.float() - clean).square().mean(dim=(1, 2, 3))
        psnr = -10 * torch.log10(mse.detach().clamp(min=1e-5)).mean()
        losses.append(BlockLoss(entropy, torch.log(mse + NEARLY_CLEAN).mean(), psnr))
    return losses


def _square_cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Class-weighted cross-entropy of logits, one per 2x2 pixels, with the labels of all four.

    As the network labels frames (`rtsdb.models.presets.Alternation.decision`); with one of the
    four for a target, thin things would come out half a pixel aside. Rare classes count more and
    so would be found too often: most of their weight is taken off again where the network decides.
    """
    favoured = logits.float() + WEIGHT_IN_LOGITS * torch.log(weights)[:, None, None]
    decisions = functional.log_softmax(favoured, dim=1)
    targets = [labels[:, row::2, column::2] for row in (0, 1) for column in (0, 1)]
    return torch.stack([_mean_over_known(decisions, t, weights) for t in targets]).mean()


def total_loss(losses: list[BlockLoss]) -> Tensor:
    """The mean that is minimised: block k counts k times, for the last is what is shown."""
    each = [loss.cross_entropy + 0.5 * loss.log_mse for loss in losses]
    shares = torch.arange(1.0, len(each) + 1, device=each[0].device)
    return (torch.stack(each) * shares).sum() / shares.sum()


def full_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy, at full size, of logits [N, classes, H/4, W/4] with labels int64 [N, H, W]."""
    decisions = functional.log_softmax(upsample(logits.float(), 4), dim=1)
    return _mean_over_known(decisions, labels, decisions.new_ones(decisions.shape[1]))


def _mean_over_known(decisions: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Negative log-likelihood, mean by weight over the pixels with a label; 0 where none has."""
    total = functional.nll_loss(decisions, labels, weights, ignore_index=VOID, reduction="sum")
    return total / weights[labels[labels != VOID]].sum().clamp(min=1e-6)


def half_squared_error(estimate: Tensor, clean: Tensor) -> Tensor:
    """Squared error of a picture over two, mean over the batch; both are [N, C, h, w].

    The same for frames in 0..1 and packed ones: packing is orthonormal.
    """
    return (estimate.float() - clean).square().sum() / (2 * len(clean))
