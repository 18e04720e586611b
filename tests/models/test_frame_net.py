from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from rtsdb.models.frame_net import FrameNet, decide, to_bytes
from rtsdb.models.presets import RT, SDABN, Alternation
from rtsdb.models.sdb import SDBNet


@pytest.mark.parametrize("size", [(64, 64), (96, 128)])
@torch.no_grad()
def test_bytes_in_bytes_out(make_net: Callable[[int], SDBNet], size: tuple[int, int]) -> None:
    frame = torch.randint(0, 256, (2, *size, 3), dtype=torch.uint8)
    denoised, labels = FrameNet(make_net(2))(frame, torch.tensor([[0.0, 625.0]] * 2))
    assert (denoised.dtype, denoised.shape) == (torch.uint8, frame.shape)
    assert (labels.dtype, labels.shape) == (torch.uint8, frame.shape[:3])
    assert labels.max() < 11


@torch.no_grad()
def test_the_frame_reaches_the_net_as_rgb_planes_in_0_to_1(
    make_net: Callable[[int], SDBNet],
) -> None:
    net, seen = make_net(1), []
    net.register_forward_pre_hook(lambda _, inputs: seen.append(net.unpack(inputs[0])))
    frame = torch.randint(0, 256, (1, 64, 96, 3), dtype=torch.uint8)
    FrameNet(net)(frame, torch.zeros(1, 2))
    torch.testing.assert_close(seen[0], frame.permute(0, 3, 1, 2) / 255.0)


def test_to_bytes_rounds_and_clamps() -> None:
    values = torch.tensor([-0.5, 0.0, 100.4, 100.6, 255.0, 300.0]) / 255.0
    assert to_bytes(values.expand(1, 3, 1, 6))[0, 0, :, 0].tolist() == [0, 0, 100, 101, 255, 255]


@pytest.mark.parametrize("alternation", [RT, SDABN])
def test_decide_gives_the_pixels_of_each_position_its_class(alternation: Alternation) -> None:
    classes = torch.tensor([[0, 0, 3, 3], [0, 0, 3, 3], [7, 7, 10, 10], [7, 7, 10, 10]])
    logits = torch.nn.functional.one_hot(classes, 11).permute(2, 0, 1)[None].float()
    labels = decide(logits, alternation)
    # Bilinear enlargement is fair to both sides of an edge, so each position keeps its pixels.
    side = alternation.logits
    assert torch.equal(
        labels[0].long(), classes.repeat_interleave(side, 0).repeat_interleave(side, 1)
    )
