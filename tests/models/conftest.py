"""Small networks with every part of the real ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from rtsdb.models.presets import PRESETS
from rtsdb.models.sdb import SDBNet
from tests.tiny import TINY, TINY_SDABN, make_sdabn


@pytest.fixture(autouse=True)
def tiny_presets(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setitem(PRESETS, "tiny", TINY)
    monkeypatch.setitem(PRESETS, "tiny-sdabn", TINY_SDABN)


@pytest.fixture
def make_net() -> Callable[[int], SDBNet]:
    def make(stages: int) -> SDBNet:
        torch.manual_seed(stages)
        return SDBNet(TINY, classes=11, stages=stages).eval()

    return make


@pytest.fixture(name="make_sdabn")
def _make_sdabn() -> Callable[[int], SDBNet]:
    return make_sdabn
