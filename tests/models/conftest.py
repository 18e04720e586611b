"""A small network with every part of the real one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from rtsdb.models.presets import PRESETS, InvertedResidual, RtConfig
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
    denoiser=16,
    denoiser_deep=16,
    depth=1,
)


@pytest.fixture(autouse=True)
def tiny_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setitem(PRESETS, "tiny", TINY)


@pytest.fixture
def make_net() -> Callable[[int], SDBNet]:
    def make(stages: int) -> SDBNet:
        torch.manual_seed(stages)
        return SDBNet(TINY, classes=11, stages=stages).eval()

    return make
