from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from rtsdb.classes import VOID
from rtsdb.models.packing import Packing
from rtsdb.models.sdb import BlockOutput
from rtsdb.training.losses import (
    NEARLY_CLEAN,
    WEIGHT_IN_LOGITS,
    BlockLoss,
    block_losses,
    full_cross_entropy,
    half_squared_error,
    total_loss,
)


def outputs_for(logits: torch.Tensor, estimate: torch.Tensor) -> list[BlockOutput]:
    return [BlockOutput(logits, estimate)]


def test_cross_entropy_is_weighted_and_skips_void() -> None:
    logits = torch.zeros(1, 3, 4, 4)
    logits[:, 1] = 2.0
    labels = torch.full((1, 8, 8), VOID)
    labels[:, :4], labels[:, 4:6] = 1, 0
    clean = torch.zeros(1, 12, 4, 4)
    weights = torch.tensor([3.0, 1.0, 1.0])
    (loss,) = block_losses(outputs_for(logits, clean), clean, labels, weights)
    favoured = logits[0, :, 0, 0] + WEIGHT_IN_LOGITS * weights.log()
    right, wrong = (-functional.log_softmax(favoured, 0)[k].item() for k in (1, 0))
    assert loss.cross_entropy.item() == pytest.approx((2 * right + 3 * wrong) / (2 + 3))


@pytest.mark.parametrize("known", [[], [(0, 0)]])
def test_frames_without_labels_teach_nothing_and_do_no_harm(known: list[tuple[int, int]]) -> None:
    """No label at all, and none at three of the four places of a square."""
    labels = torch.full((1, 8, 8), VOID)
    for row, column in known:
        labels[:, row, column] = 1
    logits = torch.zeros(1, 3, 4, 4, requires_grad=True)
    clean = torch.zeros(1, 12, 4, 4)
    (loss,) = block_losses(outputs_for(logits, clean), clean, labels, torch.ones(3))
    coarse = torch.zeros(1, 3, 2, 2, requires_grad=True)
    for entropy, share in ((loss.cross_entropy, 1 / 4), (full_cross_entropy(coarse, labels), 1)):
        assert entropy.item() == pytest.approx(len(known) * share * math.log(3))
        entropy.backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_a_decision_answers_for_all_four_pixels() -> None:
    logits = torch.zeros(1, 2, 4, 4)
    logits[:, 1] = 2.0
    labels = torch.ones(1, 8, 8, dtype=torch.int64)
    clean = torch.zeros(1, 12, 4, 4)
    wrong_by_row_and_column = []
    for row in (0, 1):
        for column in (0, 1):
            some = labels.clone()
            some[:, row::2, column::2] = 0
            (loss,) = block_losses(outputs_for(logits, clean), clean, some, torch.ones(2))
            wrong_by_row_and_column.append(loss.cross_entropy.item())
    right, wrong = (-functional.log_softmax(logits[0, :, 0, 0], 0)[k].item() for k in (1, 0))
    assert wrong_by_row_and_column == pytest.approx([(3 * right + wrong) / 4] * 4)


def test_squared_error_counts_by_its_logarithm_per_picture() -> None:
    clean = torch.zeros(3, 12, 4, 4)
    estimate = torch.stack([torch.full((12, 4, 4), value) for value in (0.1, 0.01, 0.0)])
    labels, logits = torch.zeros(3, 8, 8, dtype=torch.int64), torch.zeros(3, 3, 4, 4)
    (loss,) = block_losses(outputs_for(logits, estimate), clean, labels, torch.ones(3))
    wanted = sum(math.log(error + NEARLY_CLEAN) for error in (0.01, 0.0001, 0.0)) / 3
    assert loss.log_mse.item() == pytest.approx(wanted, rel=1e-4)
    assert loss.psnr.item() == pytest.approx((20 + 40 + 50) / 3, rel=1e-4)


def test_block_k_counts_k_times() -> None:
    losses = [BlockLoss(*map(torch.tensor, loss)) for loss in ((1.0, -4.0, 9.0), (3.0, -8.0, 9.0))]
    assert total_loss(losses).item() == pytest.approx((1 - 2 + 2 * (3 - 4)) / 3)


def test_half_the_squared_error_is_the_same_for_packed_frames() -> None:
    one, other = torch.rand(2, 3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    pack = Packing().pack
    wanted = sum((one[n] - other[n]).square().sum().item() for n in range(3)) / 3 / 2
    assert half_squared_error(one, other).item() == pytest.approx(wanted, rel=1e-5)
    assert half_squared_error(pack(one), pack(other)).item() == pytest.approx(wanted, rel=1e-4)
