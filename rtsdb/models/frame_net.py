"""The frame contract: one graph from the bytes of a frame to the bytes of the result."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from rtsdb.errors import UsageError
from rtsdb.models.presets import Alternation
from rtsdb.models.sdb import SDBNet
from rtsdb.models.upsample import upsample


class FrameNet(nn.Module):
    """uint8 frames in, uint8 denoised frames and label maps out: what `rtsdb export` writes.

    All pixel work is in the graph, so that an engine moves bytes and nothing else. The cast from
    uint8 is the first node and the casts to uint8 are the last (TensorRT's rule for uint8).
    Raises UsageError for a net that needs the ground truth.
    """

    def __init__(self, net: SDBNet) -> None:
        super().__init__()
        if net.config.alternation.condition == "truth":
            raise UsageError("a network steered by ground-truth labels cannot run on frames alone")
        self.net = net

    def forward(self, frame: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Denoise and label frames whose H and W are multiples of 32.

        frame: uint8 [N, H, W, 3] RGB. noise: float32 [N, 2] = (a, b), sigma(y) = sqrt(a*y + b).
        Returns denoised uint8 [N, H, W, 3] and labels uint8 [N, H, W].
        """
        dtype = next(self.net.parameters()).dtype
        image = frame.to(dtype).permute(0, 3, 1, 2) * (1.0 / 255.0)
        output = self.net(self.net.pack(image), noise.to(dtype))[-1]
        denoised = to_bytes(self.net.unpack(output.estimate))
        return denoised, decide(output.logits, self.net.config.alternation)


def to_bytes(image: Tensor) -> Tensor:
    """Image [N, 3, H, W] in 0..1 to rounded, clamped uint8 [N, H, W, 3]."""
    levels = torch.round(torch.clamp(image * 255.0, 0.0, 255.0))
    return levels.permute(0, 2, 3, 1).to(torch.uint8)


def decide(logits: Tensor, alternation: Alternation) -> Tensor:
    """Class of every pixel, uint8 [N, H, W], from logits [N, classes, H/s, W/s].

    s: `Alternation.logits`. The logits are enlarged bilinearly to one per decision, and every
    decision counts for the pixels of its square (`Alternation.decision`).
    """
    side = alternation.decision
    if alternation.logits > side:
        logits = upsample(logits, alternation.logits // side)
    decided = torch.argmax(logits, dim=1, keepdim=True)
    if side > 1:
        decided = functional.interpolate(
            decided.to(logits.dtype), scale_factor=float(side), mode="nearest"
        )
    return decided[:, 0].to(torch.uint8)
