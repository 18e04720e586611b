"""Cost of a network in multiply-accumulates per pixel of the frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rtsdb.models.packing import FOLD, Packing
from rtsdb.models.sdb import SDBNet


def kmacs_per_pixel(net: SDBNet) -> float:
    """Thousands of MACs per input pixel, counting every convolution of `net`.

    The count does not depend on the frame's size (all layers are convolutions), so a small one
    is run.
    """
    height = width = 4 * net.multiple
    frames = net.pack(torch.zeros(1, 3, height, width))
    truth = torch.zeros(1, height, width, dtype=torch.long)
    macs = count_macs(net, frames, torch.zeros(1, 2), truth)
    if isinstance(net.packing, Packing):  # there and back
        macs += 2 * net.packing.synthesis.numel() * height * width // FOLD**2
    return macs / (height * width) / 1000


@torch.no_grad()
def count_macs(module: nn.Module, *inputs: Tensor) -> int:
    """MACs of all convolutions in one run of `module`."""
    macs = 0

    def count(conv: nn.Module, _: object, output: Tensor) -> None:
        nonlocal macs
        assert isinstance(conv, nn.Conv2d)
        macs += output.numel() * conv.weight[0].numel()

    hooks = [m.register_forward_hook(count) for m in module.modules() if isinstance(m, nn.Conv2d)]
    try:
        module(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return macs
