import pytest
import torch
from torch import Tensor

from rtsdb.models.presets import InvertedResidual, RtConfig
from rtsdb.models.sdb import SDBNet
from rtsdb.training.windows import Window, forward_windowed

SMALL = RtConfig(
    stem=16,
    stem_out=16,
    encoder=(
        InvertedResidual(32, 16, kernel=3, stride=1, source=4),
        InvertedResidual(32, 16, kernel=3, stride=2, source=5),
        InvertedResidual(32, 16, kernel=3, stride=2, source=11),
    ),
    decoder=16,
    decoder_fine=16,
    denoiser=16,
    denoiser_deep=16,
)


@pytest.fixture
def net() -> SDBNet:
    torch.manual_seed(0)
    return SDBNet(SMALL, classes=11, stages=3)


@pytest.fixture
def noisy() -> Tensor:
    return torch.rand(2, 48, 32, 32, generator=torch.Generator().manual_seed(1))


NOISE = torch.tensor([[0.0, 625.0], [1.0, 100.0]])


def test_the_whole_crop_as_window_is_the_plain_forward_pass(net: SDBNet, noisy: Tensor) -> None:
    plain = net(noisy, NOISE)
    windowed = forward_windowed(net, noisy, NOISE, Window(0, 0, 32))
    for a, b in zip(plain, windowed, strict=True):
        assert torch.allclose(a.logits, b.logits, atol=1e-6)
        assert torch.allclose(a.estimate, b.estimate, atol=1e-6)


def test_logits_are_of_the_whole_crop_whatever_the_window(net: SDBNet, noisy: Tensor) -> None:
    plain = net(noisy, NOISE)
    windowed = forward_windowed(net, noisy, NOISE, Window(8, 4, 16))
    for a, b in zip(plain, windowed, strict=True):
        assert torch.allclose(a.logits, b.logits, atol=1e-6)
        assert b.estimate.shape == (2, 48, 16, 16)


def test_far_from_its_border_a_window_estimates_as_the_whole_does(
    net: SDBNet, noisy: Tensor
) -> None:
    plain = net(noisy, NOISE)[0].estimate[:, :, 4:28, 4:28]
    cut = forward_windowed(net, noisy, NOISE, Window(4, 4, 24))[0].estimate
    assert torch.allclose(plain[:, :, 11:13, 11:13], cut[:, :, 11:13, 11:13], atol=1e-5)
    assert not torch.allclose(plain, cut, atol=1e-5)


def test_every_part_learns(net: SDBNet, noisy: Tensor) -> None:
    outputs = forward_windowed(net, noisy, NOISE, Window(8, 8, 16))
    sum(o.logits.square().mean() + o.estimate.square().mean() for o in outputs).backward()
    assert not [name for name, p in net.named_parameters() if p.grad is None]
