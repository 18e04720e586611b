from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rtsdb.errors import UsageError
from rtsdb.training.phases import Learning, Parts, Phase, part_by_part
from rtsdb.training.request import VARIETY, TrainRequest, requested_phases, within_frames

RT = TrainRequest(
    dataset="camvid",
    root=Path("data"),
    sequences=(),
    output=Path("run"),
    preset="rt",
    stages=3,
    steps=None,
    batch=None,
    crop=None,
    window=None,
    lr=None,
    sigma=None,
    parts="all",
    first=1,
    segmenters=None,
    seed=0,
    start=None,
    street=0,
    device="cpu",
    threads=1,
    resume=False,
)
SDABN = replace(RT, preset="sdabn")


def test_rt_is_trained_jointly_in_one_phase() -> None:
    assert requested_phases(RT) == (Phase(),)


def test_a_start_from_imagenet_is_fitted_to_it_first() -> None:
    fit, phase = requested_phases(replace(RT, start="imagenet", steps=20, parts="denoisers"))
    assert (fit.name, fit.taught, fit.parts) == ("imagenet", True, Parts.SEGMENTERS)
    assert (phase,) == requested_phases(replace(RT, steps=20, parts="denoisers"))
    assert fit.augment == phase.augment


def test_a_start_from_imagenet_has_a_segmenter_of_its_own() -> None:
    with pytest.raises(UsageError, match="--segmenters: --start imagenet makes one anew"):
        requested_phases(replace(RT, start="imagenet", segmenters="some.safetensors"))


def test_rt_is_trained_as_asked_for() -> None:
    request = replace(
        RT, stages=2, steps=1000, batch=8, crop="128", window=64, lr=0.0, parts="denoisers"
    )
    assert requested_phases(request) == (
        Phase(
            parts=Parts.DENOISERS,
            stages=2,
            steps=1000,
            batch=8,
            augment=replace(VARIETY[Parts.DENOISERS], height=128, width=128),
            window=64,
            lr=0.0,
            warmup=100,
        ),
    )


def test_sdabn_is_trained_as_its_authors_did() -> None:
    assert requested_phases(SDABN) == part_by_part(3, 50.0)


def test_sdabn_is_trained_as_asked_for() -> None:
    request = replace(SDABN, stages=1, steps=10, batch=2, crop="256x128", window=64, sigma=0.0)
    segmenter, denoiser = Learning(10, 2, 128, 256), Learning(10, 2, 64, 64)
    assert requested_phases(request) == part_by_part(1, 0.0, segmenter, denoiser)


@pytest.mark.parametrize("crop", ["100", "0", "64x", "64x48", "64x64x64", "big"])
def test_crops_that_are_no_multiple_of_32_are_refused(crop: str) -> None:
    with pytest.raises(UsageError, match=f"--crop {crop}: give a multiple of 32"):
        requested_phases(replace(RT, crop=crop))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"crop": "96x64"}, "--crop 96x64: rt learns on squares"),
        ({"window": 40}, "--window 40: give a multiple of 16"),
        ({"sigma": 50.0}, "--sigma 50: rt learns all noise levels"),
        ({"lr": -1.0}, "--lr -1: give a number from 0 on, such as 0.004"),
        ({"lr": float("nan")}, "--lr nan: give a number"),
        ({"parts": "hats"}, "--parts hats: choose one of: all, segmenters, denoisers"),
        ({"preset": "huge"}, "--preset huge"),
        ({"parts": "segmenters", "first": 2}, "--first 2: rt has one segmenter, in block 1"),
        ({"preset": "sdabn", "window": 40}, "--window 40: give a multiple of 32"),
        ({"preset": "sdabn", "lr": 0.1}, "--lr: sdabn is trained part by part"),
        ({"preset": "sdabn", "parts": "segmenters"}, "--parts: sdabn is trained part by part"),
        ({"preset": "sdabn", "segmenters": "a"}, "--segmenters: sdabn is trained part by part"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        requested_phases(replace(RT, **change))
    assert message in str(caught.value)


def test_crops_are_cut_to_multiples_of_32_that_frames_hold() -> None:
    cut = within_frames(part_by_part(1, 50.0), height=360, width=480)
    assert [(p.augment.width, p.augment.height) for p in cut] == [(480, 352), (192, 192)]
    assert within_frames(cut, height=1024, width=2048) == cut
