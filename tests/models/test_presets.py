from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from rtsdb.errors import UsageError
from rtsdb.models.cost import kmacs_per_pixel
from rtsdb.models.frame_net import FrameNet
from rtsdb.models.presets import RtConfig, preset
from rtsdb.models.sdb import RESIDUAL_NOISE, BlockOutput, SDBNet
from tests.tiny import TINY

ABLATIONS = ("rt-unconditioned", "rt-truth", "rt-separate")
NOISE = torch.tensor([[0.0, 625.0]])


def small(name: str) -> SDBNet:
    """A small net that is joined as the preset is, with the same weights for all presets."""
    torch.manual_seed(0)
    config = replace(TINY, alternation=preset(name).alternation)
    return SDBNet(config, classes=11, stages=2).eval()


@torch.no_grad()
def run(net: SDBNet, truth: Tensor | None = None) -> tuple[list[BlockOutput], list[Tensor]]:
    """Outputs for a picture, and the conditions that steered the denoisers."""
    conditions: list[Tensor] = []
    for block in net.sdbs():
        block.denoiser.register_forward_pre_hook(lambda _, inputs: conditions.append(inputs[1]))
    picture = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    return net(net.pack(picture), NOISE, truth), conditions


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"huge.*rt, rt-unconditioned, .*sdabn"):
        preset("huge")


@pytest.mark.parametrize("name", ABLATIONS)
def test_ablations_have_rt_s_tensors_and_cost(name: str) -> None:
    rt, other = (SDBNet(preset(n), classes=11, stages=2) for n in ("rt", name))
    shapes = {key: value.shape for key, value in rt.state_dict().items()}
    assert {key: value.shape for key, value in other.state_dict().items()} == shapes
    assert kmacs_per_pixel(other) == kmacs_per_pixel(rt)


@pytest.mark.parametrize("name", ABLATIONS)
def test_ablations_differ_from_rt_in_the_alternation_only(name: str) -> None:
    config = preset(name)
    assert isinstance(config, RtConfig)
    assert config != preset("rt")
    assert replace(config, alternation=preset("rt").alternation) == preset("rt")


@pytest.mark.parametrize("name", ["rt-unconditioned", "rt-separate"])
def test_zeros_steer_denoisers_without_semantics(name: str) -> None:
    outputs, conditions = run(small(name))
    for output, condition in zip(outputs, conditions, strict=True):
        count, classes, height, width = output.logits.shape
        assert condition.shape == (count, classes, height // 2, width // 2)
        assert not condition.any()


def test_unconditioned_segmenters_see_the_estimate_before() -> None:
    with_semantics, without = run(small("rt"))[0], run(small("rt-unconditioned"))[0]
    assert torch.equal(with_semantics[0].logits, without[0].logits)
    assert not torch.equal(with_semantics[0].estimate, without[0].estimate)


def test_the_truth_steers_denoisers_one_hot_and_void_is_zero() -> None:
    truth = torch.randint(0, 11, (1, 64, 96), generator=torch.Generator().manual_seed(2))
    truth[:, :32] = 255
    _, conditions = run(small("rt-truth"), truth)
    for condition in conditions:
        assert condition.shape == (1, 11, 16, 24)
        assert not condition[:, :, :8].any()
        assert torch.equal(condition[:, :, 8:].argmax(dim=1), truth[:, 32::4, ::4])
        assert torch.equal(condition[:, :, 8:].sum(dim=1), torch.ones(1, 8, 24))


def test_without_the_truth_a_net_that_needs_it_does_not_run() -> None:
    with pytest.raises(ValueError, match="truth"):
        run(small("rt-truth"))
    with pytest.raises(UsageError, match="ground-truth labels"):
        FrameNet(small("rt-truth"))


def test_separate_segmenters_see_the_denoised_frame() -> None:
    net, seen, noisy = small("rt-separate"), [], []
    net.sdbs()[0].segmenter.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    net.sdbs()[0].denoiser.register_forward_pre_hook(lambda _, inputs: noisy.append(inputs[2]))
    outputs, _ = run(net)
    assert len(seen) == len(outputs)
    for (picture, sigma, _), output in zip(seen, outputs, strict=True):
        assert torch.equal(picture, output.estimate)
        assert torch.equal(sigma, RESIDUAL_NOISE * noisy[0])


def test_nothing_passes_from_separate_segmenters_to_denoisers() -> None:
    net = small("rt-separate")
    before = [output.estimate for output in run(net)[0]]
    torch.nn.init.ones_(net.sdbs()[0].segmenter.classify.weight)
    after, _ = run(net)
    assert all(torch.equal(x, o.estimate) for x, o in zip(before, after, strict=True))
