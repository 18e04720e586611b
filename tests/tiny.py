"""Small networks with every part of the real ones."""

import torch

from rtsdb.models.presets import DDFNConfig, HRNetConfig, InvertedResidual, RtConfig, SdabnConfig
from rtsdb.models.sdb import SDBNet

TINY = RtConfig(
    stem=16,
    stem_out=16,
    encoder=(
        InvertedResidual(32, 16, kernel=3, stride=1, source=4),
        InvertedResidual(32, 32, kernel=3, stride=2, source=5),
        InvertedResidual(32, 32, kernel=5, stride=2, source=11),
    ),
    decoder=16,
    decoder_fine=16,
    denoiser_fine=16,
    denoiser=16,
    denoiser_deep=16,
    boosting=(1, 1),
)

TINY_SDABN = SdabnConfig(
    HRNetConfig(stem=8, bottlenecks=1, channels=(4, 8, 8, 8), modules=(1, 1, 1), units=1),
    DDFNConfig(width=4, blocks=2, condition=4),
)


def make_sdabn(stages: int, classes: int = 11) -> SDBNet:
    """A small net of the published kind; its outputs vary, as those of a trained net do."""
    torch.manual_seed(stages)
    net = SDBNet(TINY_SDABN, classes=classes, stages=stages).eval()
    for name, value in net.state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 1.5)
        elif value.dim() == 4:
            value.normal_(std=value[0].numel() ** -0.5)
    return net
