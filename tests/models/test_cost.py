from __future__ import annotations

import pytest
import torch
from torch import nn

from rtsdb.models.cost import count_macs, kmacs_per_pixel
from rtsdb.models.hrnet import HRNet
from rtsdb.models.presets import HRNetConfig, preset
from rtsdb.models.sdb import SDBNet

CLASSES = 11


def rt(stages: int) -> SDBNet:
    return SDBNet(preset("rt"), classes=CLASSES, stages=stages)


@pytest.mark.parametrize(("stages", "budget"), [(1, 18.0), (3, 48.0)])
def test_rt_costs_no_more_than_its_budget_per_pixel(stages: int, budget: float) -> None:
    assert 0.5 * budget < kmacs_per_pixel(rt(stages)) <= budget


def test_cost_counts_every_multiplication_once() -> None:
    """A 2x2 convolution on the packed frame, and packing both ways, counted by hand."""

    class One(SDBNet):
        def forward(self, noisy: torch.Tensor, *_: object) -> list:
            self.blocks[0].segmenter.stem.enter(noisy)
            return []

    config = preset("rt")
    net = One(config, classes=CLASSES, stages=1)
    enter = 12 * 4 * config.stem / 16
    packing = 2 * 12 * 12 / 4
    assert kmacs_per_pixel(net) == pytest.approx((enter + packing) / 1000)


def test_cost_leaves_no_hook_behind() -> None:
    net = rt(1)
    first = kmacs_per_pixel(net)
    assert kmacs_per_pixel(net) == first
    assert not any(module._forward_hooks for module in net.modules())


def test_the_published_segmenter_costs_what_its_authors_say() -> None:
    """HRNetV2-W18-Small-v2 for 2048x1024: 3.9 M parameters, 71.6 GFLOPs (they count 2**30 MACs).

    From the README of github.com/HRNet/HRNet-Semantic-Segmentation (branch pytorch-v1.1).
    """
    net = HRNet(HRNetConfig(), classes=19).eval()
    macs = count_macs(net, torch.zeros(1, 3, 64, 64)) * (2048 * 1024) / 64**2
    assert round(macs / 2**30, 1) == 71.6
    assert round(sum(p.numel() for p in net.parameters()) / 1e6, 1) == 3.9


def test_the_published_net_costs_its_parts() -> None:
    """Per pixel of full resolution; a block more costs the same again."""
    net = SDBNet(preset("sdabn"), classes=19, stages=1).eval()
    (block,) = net.sdbs()
    segmenter = count_macs(block.segmenter, torch.zeros(1, 3, 64, 64))
    pictures = torch.zeros(1, 3, 64, 64), torch.zeros(1, 19, 64, 64)
    expected = (segmenter + count_macs(block.denoiser, *pictures)) / 64**2 / 1000
    assert kmacs_per_pixel(net) == pytest.approx(expected)
    assert kmacs_per_pixel(net.grow(2)) == pytest.approx(2 * expected)


def test_rt_channels_are_multiples_of_16_but_for_frame_noise_and_classes() -> None:
    for name, conv in rt(3).named_modules():
        if isinstance(conv, nn.Conv2d):
            part = name.rpartition(".")[2]
            inputs = {"noise": (2,), "embed": (CLASSES,), "enter": (12, 24)}
            outputs = {"classify": (CLASSES, 4 * CLASSES), "frame": (12,), "gate": (12,)}
            assert conv.in_channels % 16 == 0 or conv.in_channels in inputs.get(part, ()), name
            assert conv.out_channels % 16 == 0 or conv.out_channels in outputs.get(part, ()), name
            assert conv.groups in (1, conv.in_channels), name
