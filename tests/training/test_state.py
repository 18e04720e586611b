from __future__ import annotations

import pytest
import torch
from torch import nn

from rtsdb.training.state import Ema


def test_average_follows_a_warming_decay() -> None:
    net = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(net.weight)
    ema = Ema(net, decay=0.9)
    nn.init.ones_(net.weight)
    wanted = 0.0
    for step in (0, 5, 100_000):
        decay = min(0.9, (1 + step) / (10 + step))
        wanted = decay * wanted + (1 - decay)
        ema.update(net, step)
        assert ema.weights["weight"].item() == pytest.approx(wanted)
    assert net.weight.item() == 1.0


def test_with_decay_0_the_average_is_the_weights_themselves() -> None:
    """Batch normalisation's statistics and its step count, a whole number, included."""
    net = nn.Sequential(nn.Conv2d(1, 3, 1), nn.BatchNorm2d(3))
    ema = Ema(net, decay=0.0)
    net(torch.rand(2, 1, 4, 4))
    ema.update(net, 0)
    assert ema.weights.keys() == net.state_dict().keys()
    for name, value in net.state_dict().items():
        assert torch.equal(ema.weights[name], value), name
