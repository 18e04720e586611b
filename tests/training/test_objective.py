from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from rtsdb.models.presets import preset
from rtsdb.models.sdb import SDBNet
from rtsdb.training.augment import Batch
from rtsdb.training.objective import joint_objective, last_part_objective
from rtsdb.training.phases import Parts
from rtsdb.training.windows import Window


@pytest.fixture
def net() -> SDBNet:
    torch.manual_seed(0)
    net = SDBNet(preset("tiny-sdabn"), classes=11, stages=2)
    for name, parameter in net.named_parameters():
        if name.endswith("out.weight"):
            nn.init.normal_(parameter, std=0.1)
    return net.eval()


@pytest.fixture
def batch() -> Batch:
    draw = torch.Generator().manual_seed(1)
    clean = torch.rand(2, 3, 64, 96, generator=draw)
    noisy = clean + 0.1 * torch.randn(clean.shape, generator=draw)
    labels = torch.randint(0, 11, (2, 64, 96), generator=draw)
    labels[:, :7] = 255
    return Batch(clean, noisy, torch.full((2, 2), 650.25), labels)


def test_a_segmenter_alone_learns_by_cross_entropy_at_full_size(net: SDBNet, batch: Batch) -> None:
    objective = last_part_objective(net, Parts.SEGMENTERS, batch, bf16=False)
    logits = net(batch.noisy, batch.noise)[-1].logits
    enlarged = functional.interpolate(logits, (64, 96), mode="bilinear", align_corners=False)
    wanted = functional.cross_entropy(enlarged[:, :, 7:], batch.labels[:, 7:])
    assert objective.loss.item() == pytest.approx(wanted.item(), rel=1e-5)
    assert objective.cross_entropy == (objective.loss.item(),)
    assert objective.psnr == ()


def test_a_segmenter_alone_does_not_run_the_denoiser_after_it(
    net: SDBNet, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(net.sdbs()[-1], "denoiser", None)
    last_part_objective(net, Parts.SEGMENTERS, batch, bf16=False)
    with pytest.raises(TypeError):
        net(batch.noisy, batch.noise)


def test_a_denoiser_alone_learns_by_half_the_squared_error_per_picture(
    net: SDBNet, batch: Batch
) -> None:
    objective = last_part_objective(net, Parts.DENOISERS, batch, bf16=False)
    estimate = net(batch.noisy, batch.noise)[-1].estimate
    error = (estimate - batch.clean).square()
    assert objective.loss.item() == pytest.approx(error.sum().item() / 4, rel=1e-5)
    assert objective.psnr == pytest.approx((-10 * math.log10(error.mean().item()),))
    assert objective.cross_entropy == ()


def test_only_the_last_block_gets_gradients(net: SDBNet, batch: Batch) -> None:
    for parts, wanted in ((Parts.SEGMENTERS, "segmenter"), (Parts.DENOISERS, "denoiser")):
        net.zero_grad()
        last_part_objective(net, parts, batch, bf16=False).loss.backward()
        learnt = [name for name, p in net.named_parameters() if p.grad is not None]
        assert learnt
        assert all(name.startswith(f"blocks.1.{wanted}.") for name in learnt)


def test_training_with_the_truth_as_condition_is_told_the_labels(batch: Batch) -> None:
    torch.manual_seed(0)
    net = SDBNet(preset("tiny-truth"), classes=11, stages=1)
    window = Window(64, 0, 0, 64)
    square = Batch(*(x[..., :64] if x.ndim > 2 else x for x in batch))
    other = square._replace(labels=(square.labels + 1) % 11)
    psnrs = [
        joint_objective(net, told, window, torch.ones(11), bf16=False).psnr
        for told in (square, other)
    ]
    assert psnrs[0] != psnrs[1]
