from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from rtsdb.data.noise_models import CodedNoise, GaussianNoise
from rtsdb.errors import UsageError
from rtsdb.metrics import psnr
from tests.noise.pictures import street

CLEAN = GaussianNoise.awgn(0)


def coded(frame: NDArray[np.uint8], codec: str, setting: int) -> NDArray[np.uint8]:
    return CodedNoise(CLEAN, codec, setting).apply_8bit(frame, np.random.default_rng(0))


@pytest.mark.parametrize(("codec", "better", "worse"), [("jpeg", 90, 30), ("h264", 18, 40)])
def test_a_better_setting_keeps_more_of_the_frame(codec: str, better: int, worse: int) -> None:
    frame = street(120, 160)
    good, poor = (psnr(coded(frame, codec, setting), frame) for setting in (better, worse))
    assert good > 35
    assert poor < good - 5


@pytest.mark.parametrize("codec", ["jpeg", "h264"])
def test_colours_come_back_as_they_were(codec: str) -> None:
    colour = np.array([180, 90, 40], np.uint8)
    frame = np.broadcast_to(colour, (64, 96, 3)).copy()
    found = coded(frame, codec, 50 if codec == "jpeg" else 20).astype(int).mean(axis=(0, 1))
    assert found == pytest.approx(colour, abs=3)


@pytest.mark.parametrize("codec", ["jpeg", "h264"])
@pytest.mark.parametrize("shape", [(64, 64, 3), (65, 97, 3), (1, 1, 3)])
def test_any_size(codec: str, shape: tuple[int, ...]) -> None:
    frame = np.full(shape, 120, np.uint8)
    assert np.abs(coded(frame, codec, 30).astype(int) - 120).max() < 4


@pytest.mark.parametrize(("codec", "setting"), [("jpeg", 75), ("h264", 23)])
def test_the_level_is_that_of_the_noise_that_is_left(codec: str, setting: int) -> None:
    """On a picture with texture, beside what the codec does to the clean picture."""
    frame = street()
    model = CodedNoise(GaussianNoise.awgn(30), codec, setting)
    left = model.apply_8bit(frame, np.random.default_rng(0)).astype(float) - frame
    of_codec = coded(frame, codec, setting).astype(float) - frame
    mid = (frame > 64) & (frame < 192)
    noise = (left[mid].var() - of_codec[mid].var()) ** 0.5
    assert model.level.sigma_at(128) == pytest.approx(noise, rel=0.15)
    assert noise < 25


def test_a_codec_that_leaves_no_noise_leaves_a_small_level() -> None:
    assert CodedNoise(GaussianNoise.awgn(2), "jpeg", 40).level.sigma_at(128) < 1


def test_float_noise_has_no_coded_form() -> None:
    with pytest.raises(UsageError, match=r"^noise awgn:25\+jpeg:75: .*8-bit"):
        CodedNoise(GaussianNoise.awgn(25), "jpeg", 75).apply_float(
            np.zeros((8, 8, 3)), np.random.default_rng(0)
        )
