"""The published network once more, written from its authors' code as plain functions.

Independent of rtsdb: it draws state dicts with the authors' names and shapes, and runs the
alternation on them. Source: github.com/powder21/SDABN, with the HRNet of
github.com/HRNet/HRNet-Semantic-Segmentation.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

State = dict[str, Tensor]
WIDTHS = (18, 36, 72, 144)
MODULES = {2: 1, 3: 3, 4: 2}


class Draw:
    """Collects random tensors by name."""

    def __init__(self, seed: int) -> None:
        self.state: State = {}
        self.random = torch.Generator().manual_seed(seed)

    def conv(self, name: str, inputs: int, out: int, kernel: int, *, bias: bool) -> None:
        shape = (out, inputs, kernel, kernel)
        std = (inputs * kernel**2) ** -0.5
        self.state[f"{name}.weight"] = std * torch.randn(shape, generator=self.random)
        if bias:
            self.state[f"{name}.bias"] = 0.1 * torch.randn(out, generator=self.random)

    def norm(self, name: str, channels: int) -> None:
        for part, low, high in (
            ("weight", 0.5, 1.2),
            ("bias", -0.2, 0.2),
            ("running_mean", -0.2, 0.2),
            ("running_var", 0.5, 1.5),
        ):
            values = torch.rand(channels, generator=self.random)
            self.state[f"{name}.{part}"] = low + (high - low) * values
        self.state[f"{name}.num_batches_tracked"] = torch.tensor(1234)

    def conv_norm(self, conv: str, norm: str, inputs: int, out: int, kernel: int) -> None:
        self.conv(conv, inputs, out, kernel, bias=False)
        self.norm(norm, out)


def draw_segmenter(classes: int, seed: int) -> State:
    draw = Draw(seed)
    draw.conv_norm("conv1", "bn1", 3, 64, 3)
    draw.conv_norm("conv2", "bn2", 64, 64, 3)
    for unit, inputs in enumerate((64, 256)):
        name = f"layer1.{unit}"
        draw.conv_norm(f"{name}.conv1", f"{name}.bn1", inputs, 64, 1)
        draw.conv_norm(f"{name}.conv2", f"{name}.bn2", 64, 64, 3)
        draw.conv_norm(f"{name}.conv3", f"{name}.bn3", 64, 256, 1)
    draw.conv_norm("layer1.0.downsample.0", "layer1.0.downsample.1", 64, 256, 1)
    draw.conv_norm("transition1.0.0", "transition1.0.1", 256, 18, 3)
    draw.conv_norm("transition1.1.0.0", "transition1.1.0.1", 256, 36, 3)
    draw.conv_norm("transition2.2.0.0", "transition2.2.0.1", 36, 72, 3)
    draw.conv_norm("transition3.3.0.0", "transition3.3.0.1", 72, 144, 3)
    for stage, modules in MODULES.items():
        for module in range(modules):
            for branch in range(stage):
                for unit in range(2):
                    name, width = f"stage{stage}.{module}.branches.{branch}.{unit}", WIDTHS[branch]
                    draw.conv_norm(f"{name}.conv1", f"{name}.bn1", width, width, 3)
                    draw.conv_norm(f"{name}.conv2", f"{name}.bn2", width, width, 3)
            for i in range(stage):
                for j in range(stage):
                    name = f"stage{stage}.{module}.fuse_layers.{i}.{j}"
                    if j > i:
                        draw.conv_norm(f"{name}.0", f"{name}.1", WIDTHS[j], WIDTHS[i], 1)
                    for k in range(i - j):
                        out = WIDTHS[i] if k == i - j - 1 else WIDTHS[j]
                        draw.conv_norm(f"{name}.{k}.0", f"{name}.{k}.1", WIDTHS[j], out, 3)
    draw.conv("last_layer.0", 270, 270, 1, bias=True)
    draw.norm("last_layer.1", 270)
    draw.conv("last_layer.3", 270, classes, 1, bias=True)
    return draw.state


def draw_denoiser(classes: int, seed: int) -> State:
    draw = Draw(seed)
    for name, inputs in (("conv1", 3), ("conv2", 3), ("conv3", 8), ("conv4", 8)):
        draw.conv(f"msfeat.{name}.0", inputs, 8, 3, bias=True)
    for index, (inputs, out) in enumerate(pairwise((classes, 16, 32, 64, 32, 16))):
        draw.conv(f"segfeat.conv.{2 * index}", inputs, out, 1, bias=True)
    for sft, channels in [(f"dfus_block{b}.input_sft", 32 + 8 * b) for b in range(8)] + [
        ("sft", 96)
    ]:
        for part in ("scale", "shift"):
            draw.conv(f"{sft}.{part}.0", 16, 32, 1, bias=True)
            draw.conv(f"{sft}.{part}.2", 32, channels, 1, bias=True)
    for block in range(8):
        for name, inputs, out, kernel in (
            ("conv1", 32 + 8 * block, 32, 1),
            ("feat1", 32, 8, 3),
            ("feat15", 8, 4, 3),
            ("feat2", 32, 8, 3),
            ("feat25", 8, 4, 3),
            ("feat", 24, 8, 1),
        ):
            draw.conv(f"dfus_block{block}.{name}.0", inputs, out, kernel, bias=True)
    draw.conv("convr", 96, 3, 1, bias=False)
    return draw.state


def conv(w: State, name: str, x: Tensor, stride: int = 1, dilation: int = 1) -> Tensor:
    weight = w[f"{name}.weight"]
    padding = dilation if weight.shape[-1] == 3 else 0
    return F.conv2d(x, weight, w.get(f"{name}.bias"), stride, padding, dilation)


def conv_norm(w: State, conv_name: str, norm: str, x: Tensor, stride: int = 1) -> Tensor:
    mean, var = w[f"{norm}.running_mean"], w[f"{norm}.running_var"]
    h = conv(w, conv_name, x, stride)
    return F.batch_norm(h, mean, var, w[f"{norm}.weight"], w[f"{norm}.bias"])


def larger(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear")


def segment(w: State, picture: Tensor) -> Tensor:
    """Logits at 1/4 of a normalised picture."""
    x = F.relu(conv_norm(w, "conv1", "bn1", picture, 2))
    x = F.relu(conv_norm(w, "conv2", "bn2", x, 2))
    for unit in range(2):
        name, same = f"layer1.{unit}", x
        if unit == 0:
            same = conv_norm(w, f"{name}.downsample.0", f"{name}.downsample.1", x)
        h = F.relu(conv_norm(w, f"{name}.conv1", f"{name}.bn1", x))
        h = F.relu(conv_norm(w, f"{name}.conv2", f"{name}.bn2", h))
        x = F.relu(conv_norm(w, f"{name}.conv3", f"{name}.bn3", h) + same)
    xs = [
        F.relu(conv_norm(w, "transition1.0.0", "transition1.0.1", x)),
        F.relu(conv_norm(w, "transition1.1.0.0", "transition1.1.0.1", x, 2)),
    ]
    xs = stage(w, 2, xs)
    xs.append(F.relu(conv_norm(w, "transition2.2.0.0", "transition2.2.0.1", xs[-1], 2)))
    xs = stage(w, 3, xs)
    xs.append(F.relu(conv_norm(w, "transition3.3.0.0", "transition3.3.0.1", xs[-1], 2)))
    xs = stage(w, 4, xs)
    h = torch.cat([xs[0], *(larger(x, xs[0]) for x in xs[1:])], 1)
    h = F.relu(conv_norm(w, "last_layer.0", "last_layer.1", h))
    return conv(w, "last_layer.3", h)


def stage(w: State, number: int, xs: list[Tensor]) -> list[Tensor]:
    for module in range(MODULES[number]):
        xs = [branch(w, f"stage{number}.{module}.branches.{i}", x) for i, x in enumerate(xs)]
        sums = []
        for i, target in enumerate(xs):
            total = torch.zeros_like(target)
            for j, x in enumerate(xs):
                name = f"stage{number}.{module}.fuse_layers.{i}.{j}"
                if j > i:
                    x = larger(conv_norm(w, f"{name}.0", f"{name}.1", x), target)
                for k in range(i - j):
                    x = conv_norm(w, f"{name}.{k}.0", f"{name}.{k}.1", x, 2)
                    x = x if k == i - j - 1 else F.relu(x)
                total = total + x
            sums.append(F.relu(total))
        xs = sums
    return xs


def branch(w: State, name: str, x: Tensor) -> Tensor:
    for unit in range(2):
        h = F.relu(conv_norm(w, f"{name}.{unit}.conv1", f"{name}.{unit}.bn1", x))
        x = F.relu(conv_norm(w, f"{name}.{unit}.conv2", f"{name}.{unit}.bn2", h) + x)
    return x


def denoise(w: State, picture: Tensor, logits: Tensor) -> Tensor:
    """The picture (0..1) that a denoiser makes of a noisy one and logits of the same size."""
    near = F.relu(conv(w, "msfeat.conv1.0", picture))
    far = F.relu(conv(w, "msfeat.conv2.0", picture, dilation=2))
    third = F.relu(conv(w, "msfeat.conv3.0", far))
    fourth = F.relu(conv(w, "msfeat.conv4.0", near, dilation=2))
    x = torch.cat((near, far, third, fourth), 1)
    classes = logits
    for layer in (0, 2, 4, 6, 8):
        classes = conv(w, f"segfeat.conv.{layer}", classes if layer == 0 else leaky(classes))
    for block in range(8):
        name = f"dfus_block{block}"
        h = F.relu(conv(w, f"{name}.conv1.0", sft(w, f"{name}.input_sft", x, classes)))
        feat1 = F.relu(conv(w, f"{name}.feat1.0", h))
        feat15 = F.relu(conv(w, f"{name}.feat15.0", feat1, dilation=2))
        feat2 = F.relu(conv(w, f"{name}.feat2.0", h, dilation=2))
        feat25 = F.relu(conv(w, f"{name}.feat25.0", feat2))
        h = torch.cat((feat1, feat15, feat2, feat25), 1)
        x = torch.cat((x, F.relu(conv(w, f"{name}.feat.0", h))), 1)
    return conv(w, "convr", sft(w, "sft", x, classes))


def leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.1)


def sft(w: State, name: str, x: Tensor, condition: Tensor) -> Tensor:
    scale = conv(w, f"{name}.scale.2", leaky(conv(w, f"{name}.scale.0", condition)))
    shift = conv(w, f"{name}.shift.2", leaky(conv(w, f"{name}.shift.0", condition)))
    return x * (scale + 1) + shift


def alternate(parts: list[State], noisy: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Logits at 1/4 and estimate of every block; parts: S1, D1, S2, D2, ...; noisy in 0..1."""
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    outputs, inputs, denoised = [], noisy, torch.zeros_like(noisy)
    for segmenter, denoiser in zip(parts[::2], parts[1::2], strict=True):
        logits = segment(segmenter, (inputs - mean) / std)
        denoised = denoise(denoiser, denoised + noisy, larger(logits, noisy))
        outputs.append((logits, denoised))
        inputs = denoised
    return outputs
