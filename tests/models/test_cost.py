from __future__ import annotations

import pytest
import torch
from torch import nn

from rtsdb.models.cost import kmacs_per_pixel
from rtsdb.models.presets import preset
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
        def forward(self, noisy: torch.Tensor, noise: torch.Tensor) -> list:
            self.blocks[0].segmenter.enter(noisy)
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


def test_rt_channels_are_multiples_of_16_but_for_frame_noise_and_classes() -> None:
    for name, conv in rt(3).named_modules():
        if isinstance(conv, nn.Conv2d):
            part = name.rpartition(".")[2]
            inputs = {"noise": 2, "embed": CLASSES, "enter": 12, "estimate": 12}
            outputs = {"classify": CLASSES, "frame": 12, "gate": 12}
            assert conv.in_channels % 16 == 0 or conv.in_channels == inputs.get(part), name
            assert conv.out_channels % 16 == 0 or conv.out_channels == outputs.get(part), name
            assert conv.groups in (1, conv.in_channels), name
