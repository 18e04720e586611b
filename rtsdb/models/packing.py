"""The form in which frames pass between blocks: packed or as they are; and packed noise."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

FOLD = 2
"""Pixels per side that one packed position holds."""

PACKED = 3 * FOLD**2
"""Channels of a packed frame."""

NOISE_MAPS = 2
"""Channels of `noise_maps`."""

NOISE_UNIT = 64.0
"""Grey levels that are 1 in the first noise map."""

NEARLY_NOISE_FREE = 3.0
"""Noise level in grey levels below which a frame is left alone, more and more; see `trust`. Of
0, 1, ... 6 it left frames of sigma 0.5 to 5 best on the whole."""


class Packing(nn.Module):
    """Frames [N, 3, H, W] in 0..1 to [N, 12, H/2, W/2] and back, without loss.

    The 2x2 Haar transform of the opponent colours (R+G+B, R-B, R-2G+B), orthonormal, around mid
    grey: white noise keeps its level in every channel, while the picture gathers in few of them.
    A gate per channel then is a Wiener filter per frequency, which trains several times faster
    than one per pixel position. As convolutions, both directions are native in every engine.
    """

    fold = FOLD
    analysis: Tensor
    synthesis: Tensor

    def __init__(self) -> None:
        super().__init__()
        haar = torch.tensor([[1.0, 1.0], [1.0, -1.0]]) / math.sqrt(2)
        colour = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]])
        colour = colour / colour.norm(dim=1, keepdim=True)
        analysis = torch.einsum("oc,ui,vj->ouvcij", colour, haar, haar)
        analysis = analysis.reshape(PACKED, 3, FOLD, FOLD)
        synthesis = analysis.reshape(PACKED, PACKED).t()[:, :, None, None].contiguous()
        self.register_buffer("analysis", analysis, persistent=False)
        self.register_buffer("synthesis", synthesis, persistent=False)

    def pack(self, image: Tensor) -> Tensor:
        """Image [N, 3, H, W] to packed [N, 12, H/2, W/2]."""
        return functional.conv2d(image - 0.5, self.analysis, stride=FOLD)

    def unpack(self, packed: Tensor) -> Tensor:
        """Packed [N, 12, H/2, W/2] to image [N, 3, H, W]."""
        return functional.pixel_shuffle(functional.conv2d(packed, self.synthesis), FOLD) + 0.5


class Pixels(nn.Module):
    """Frames [N, 3, H, W] in 0..1 as they are, where a network works at full resolution."""

    fold = 1

    def pack(self, image: Tensor) -> Tensor:
        """The image itself."""
        return image

    def unpack(self, packed: Tensor) -> Tensor:
        """The image itself."""
        return packed


def noise_maps(packed: Tensor, noise: Tensor) -> Tensor:
    """Noise level at every packed position, [N, 2, h, w], from its brightness.

    noise: [N, 2] = (a, b), sigma(y) = sqrt(a*y + b) in grey levels for y in 0..255. The first
    map is s = sigma/64; the second, s / (s + 0.15), tells low levels apart.
    """
    a, b = noise[:, 0, None, None, None], noise[:, 1, None, None, None]
    brightness = packed[:, :1] / math.sqrt(PACKED) + 0.5
    variance = torch.clamp(a * 255.0 * brightness + b, min=0.0)
    level = torch.sqrt(variance) / NOISE_UNIT
    return torch.cat([level, level / (level + 0.15)], dim=1)


def trust(sigma: Tensor) -> Tensor:
    """How far estimates count against the frame, [N, 1, h, w] in 0..1, from its noise maps.

    0 where there is no noise, so that a clean frame comes back as it was, in INT8, too; 1 from
    `NEARLY_NOISE_FREE` on.
    """
    return torch.clamp(sigma[:, :1] * (NOISE_UNIT / NEARLY_NOISE_FREE), max=1.0)
