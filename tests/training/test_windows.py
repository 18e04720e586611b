import pytest
import torch
from torch import Tensor

from rtsdb.models.sdb import SDBNet
from rtsdb.training.windows import Window, forward_windowed
from tests.tiny import TINY


@pytest.fixture
def net() -> SDBNet:
    torch.manual_seed(0)
    return SDBNet(TINY, classes=11, stages=3)


@pytest.fixture
def noisy() -> Tensor:
    return torch.rand(2, 12, 64, 64, generator=torch.Generator().manual_seed(1))


NOISE = torch.tensor([[0.0, 625.0], [1.0, 100.0]])


def test_the_whole_crop_as_window_is_the_plain_forward_pass(net: SDBNet, noisy: Tensor) -> None:
    plain = net(noisy, NOISE)
    windowed = forward_windowed(net, noisy, NOISE, Window(128, 0, 0, 128))
    for a, b in zip(plain, windowed, strict=True):
        assert torch.allclose(a.logits, b.logits, atol=1e-6)
        assert torch.allclose(a.estimate, b.estimate, atol=1e-6)


def test_logits_are_of_the_whole_crop_whatever_the_window(net: SDBNet, noisy: Tensor) -> None:
    plain = net(noisy, NOISE)
    windowed = forward_windowed(net, noisy, NOISE, Window(128, 32, 16, 64))
    for a, b in zip(plain, windowed, strict=True):
        assert torch.allclose(a.logits, b.logits, atol=1e-6)
        assert b.estimate.shape == (2, 12, 32, 32)


def test_far_from_its_border_a_window_estimates_as_the_whole_does(
    net: SDBNet, noisy: Tensor
) -> None:
    plain = net(noisy, NOISE)[0].estimate[:, :, 8:56, 8:56]
    cut = forward_windowed(net, noisy, NOISE, Window(128, 16, 16, 96))[0].estimate
    assert torch.allclose(plain[:, :, 23:25, 23:25], cut[:, :, 23:25, 23:25], atol=1e-5)
    assert not torch.allclose(plain, cut, atol=1e-5)


def test_every_part_learns(net: SDBNet, noisy: Tensor) -> None:
    outputs = forward_windowed(net, noisy, NOISE, Window(128, 32, 32, 64))
    sum(o.logits.square().mean() + o.estimate.square().mean() for o in outputs).backward()
    assert not [name for name, p in net.named_parameters() if p.grad is None]
