"""Cost of a network in multiply-accumulates per pixel of the frame."""

from __future__ import annotations

import torch
from torch import nn

from rtsdb.models.packing import FOLD
from rtsdb.models.sdb import SDBNet


def kmacs_per_pixel(net: SDBNet) -> float:
    """Thousands of MACs per input pixel, counting every convolution of `net`.

    The count does not depend on the frame's size (all layers are convolutions), so a small one
    is run.
    """
    height = width = 4 * net.multiple
    macs = 0

    def count(module: nn.Module, _: object, output: torch.Tensor) -> None:
        nonlocal macs
        assert isinstance(module, nn.Conv2d)
        macs += output.numel() * module.weight[0].numel()

    hooks = [m.register_forward_hook(count) for m in net.modules() if isinstance(m, nn.Conv2d)]
    try:
        with torch.no_grad():
            net(net.pack(torch.zeros(1, 3, height, width)), torch.zeros(1, 2))
    finally:
        for hook in hooks:
            hook.remove()
    macs += 2 * net.packing.synthesis.numel() * height * width // FOLD**2  # there and back
    return macs / (height * width) / 1000
