"""A small network with every part of the real one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from rtsdb.models.presets import PRESETS
from rtsdb.models.sdb import SDBNet
from tests.tiny import TINY


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
