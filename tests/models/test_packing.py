from __future__ import annotations

import pytest
import torch
from torch import Tensor

from rtsdb.models.packing import Packing, noise_maps, trust


def image(count: int = 1, height: int = 32, width: int = 48) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(0))


def test_unpack_undoes_pack() -> None:
    packing, picture = Packing(), image(2)
    assert packing.pack(picture).shape == (2, 12, 16, 24)
    torch.testing.assert_close(packing.unpack(packing.pack(picture)), picture, rtol=0, atol=1e-6)


def test_packing_keeps_distances() -> None:
    packing, (one, other) = Packing(), image(2)[:, None].unbind(0)
    apart = (packing.pack(one) - packing.pack(other)).square().sum()
    torch.testing.assert_close(apart, (one - other).square().sum())


def test_grey_gathers_in_the_first_channel() -> None:
    packed = Packing().pack(torch.full((1, 3, 8, 8), 0.75))
    assert packed[0, 0, 0, 0].item() == pytest.approx(0.25 * 12**0.5)
    assert packed[:, 1:].abs().max() < 1e-6


def test_the_first_noise_map_is_the_noise_at_the_position_s_brightness_over_64() -> None:
    picture = image(2, 8, 8)
    found = noise_maps(Packing().pack(picture), torch.tensor([[2.0, 100.0], [0.0, 4096.0]]))
    brightness = torch.nn.functional.avg_pool2d(picture, 2).mean(dim=1)
    torch.testing.assert_close(found[0, 0], torch.sqrt(510.0 * brightness[0] + 100.0) / 64.0)
    torch.testing.assert_close(found[1, 0], torch.ones(4, 4))
    torch.testing.assert_close(found[:, 1], found[:, 0] / (found[:, 0] + 0.15))


def test_noise_maps_are_finite_where_the_frame_is_darker_than_black() -> None:
    dark = Packing().pack(torch.full((1, 3, 2, 2), -0.1))
    assert not noise_maps(dark, torch.tensor([[4.0, 1.0]])).any()


def test_trust_rises_from_none_without_noise_to_all_at_sigma_3() -> None:
    frame = Packing().pack(image(5, 2, 2))
    levels = torch.tensor([0.0, 0.75, 1.5, 3.0, 50.0])
    noise = torch.stack([torch.zeros(5), levels.square()], dim=1)
    found = trust(noise_maps(frame, noise))
    assert found.shape == (5, 1, 1, 1)
    torch.testing.assert_close(found.flatten(), torch.tensor([0.0, 0.25, 0.5, 1.0, 1.0]))
