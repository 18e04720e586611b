from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtsdb.data.noise_models import draw_camera_noise, parse_noise_model
from rtsdb.errors import UsageError
from rtsdb.noise import NoiseLevel


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("50", "awgn:50"),
        ("0", "awgn:0"),
        ("awgn:12.5", "awgn:12.5"),
        (" AWGN:25 ", "awgn:25"),
        ("shot:0.5:9", "shot:0.5:9"),
        ("lowlight:8x", "lowlight:8x"),
        ("lowlight:2.5x", "lowlight:2.5x"),
        ("camera:nikon-d850:iso3200", "camera:nikon-d850:iso3200"),
        ("camera:sony-a7s2:iso800:30x", "camera:sony-a7s2:iso800:30x"),
        ("camera:nikon-d850:iso3200:8x", "lowlight:8x"),
        ("25+jpeg:75", "awgn:25+jpeg:75"),
        ("lowlight:8x+h264:28", "lowlight:8x+h264:28"),
    ],
)
def test_every_form_is_read_and_named(text: str, spec: str) -> None:
    model = parse_noise_model(text)
    assert model.spec == spec
    assert parse_noise_model(model.spec) == model


def test_levels_of_gaussian_noise_are_as_written() -> None:
    assert parse_noise_model("25").level == NoiseLevel(0, 625)
    assert parse_noise_model("shot:2:25").level == NoiseLevel(2, 25)


@given(st.integers(0, 2**32))
def test_a_drawn_camera_is_read_back(seed: int) -> None:
    model = draw_camera_noise(np.random.default_rng(seed))
    assert parse_noise_model(model.spec) == model


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "nothing is not of the form NUMBER"),
        ("loud", "loud is not of the form NUMBER"),
        ("-3", "sigma must be"),
        ("nan", "nan is not of the form NUMBER"),
        ("awgn:100.5", "more than 100 grey levels"),
        ("shot:60:0", "more than 100 grey levels"),
        ("shot:2", "no such form of shot"),
        ("shot:-2:9", "must be finite and >= 0"),
        ("rain:3", "no such form of rain"),
        ("lowlight:8", "8 is not of the form NUMBERx"),
        ("lowlight:31x", "exposure is 1x to 30x"),
        ("camera:nikon-d850:3200", "3200 is not of the form isoNUMBER"),
        ("camera:nikon-d850:iso25600", "ISO is 100 to 6400"),
        ("camera:leica:iso100", "known are canon-eos5d4, canon-eos70d, .* sony-a7s2"),
        ("25+png:3", "known are jpeg, h264"),
        ("25+jpeg", "jpeg gives no codec and whole number"),
        ("25+jpeg:101", "jpeg is 1 to 100, not 101"),
        ("25+h264:52", "h264 is 0 to 51, not 52"),
    ],
)
def test_a_bad_text_is_told_what_there_is(text: str, reason: str) -> None:
    with pytest.raises(
        UsageError, match=rf"^--noise {text}: .*{reason}.*the forms are awgn:25".replace("+", r"\+")
    ):
        parse_noise_model(text)
