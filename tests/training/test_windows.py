from dataclasses import replace

import pytest
import torch
from torch import Tensor

from rtsdb.models.presets import PRESETS
from rtsdb.models.sdb import SDBNet
from rtsdb.training.windows import Window, forward_windowed
from tests.tiny import TINY, make_sdabn


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


ABLATIONS = ("rt-unconditioned", "rt-truth", "rt-separate")


@pytest.fixture(params=[*ABLATIONS, "sdabn"])
def other(request: pytest.FixtureRequest) -> SDBNet:
    """A net of another kind, or one whose parts are joined in another way."""
    if request.param == "sdabn":
        return make_sdabn(2)
    torch.manual_seed(0)
    config = replace(TINY, alternation=PRESETS[request.param].alternation)
    return SDBNet(config, classes=11, stages=2)


@pytest.mark.parametrize("side", [192, 96])
def test_a_window_changes_no_net_s_logits_nor_the_middle_of_estimates(
    other: SDBNet, side: int
) -> None:
    random = torch.Generator().manual_seed(1)
    noisy = other.pack(torch.rand(2, 3, 192, 192, generator=random))
    truth = torch.randint(0, 11, (2, 192, 192), generator=random)
    window = Window(192, (192 - side) // 2, (192 - side) // 2, side)
    windowed = forward_windowed(other, noisy, NOISE, window, truth)
    for a, b in zip(other(noisy, NOISE, truth), windowed, strict=True):
        assert torch.allclose(a.logits, b.logits, atol=1e-5)
        middle = a.estimate.shape[-1] // 2
        cut = b.estimate.shape[-1] // 2
        assert torch.allclose(a.estimate[..., middle, middle], b.estimate[..., cut, cut], atol=1e-5)


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
