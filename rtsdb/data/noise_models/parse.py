"""Noise models by their names on the command line."""

from __future__ import annotations

import math

from rtsdb.data.noise_models.camera import LOWLIGHT_ISO, LOWLIGHT_SENSOR, CameraNoise
from rtsdb.data.noise_models.coded import CodedNoise
from rtsdb.data.noise_models.gaussian import GaussianNoise
from rtsdb.data.noise_models.model import NoiseModel
from rtsdb.errors import UsageError
from rtsdb.noise import MAX_SIGMA, NoiseLevel

NOISE_FORMS = (
    "awgn:25 or just 25, shot:2:25 (variance 2*y + 25 at grey level y), lowlight:8x, "
    "camera:nikon-d850:iso3200 or camera:nikon-d850:iso3200:4x, and +jpeg:75 or +h264:28 after it"
)
"""The forms that `parse_noise_model` reads, for help texts and messages."""


def parse_noise_model(spec: str, option: str = "--noise") -> NoiseModel:
    """The noise model that a text such as 'lowlight:8x' names; see `NOISE_FORMS`.

    option: what gave the text. Raises UsageError that tells what is wrong and what there is.

    >>> parse_noise_model("25").spec
    'awgn:25'
    >>> parse_noise_model("camera:sony-a7s2:iso3200+h264:28").spec
    'camera:sony-a7s2:iso3200+h264:28'
    """
    try:
        plain, plus, coding = spec.strip().lower().partition("+")
        noise = _parse_plain(plain)
        return _parse_coding(noise, coding) if plus else noise
    except ValueError as error:
        raise UsageError(f"{option} {spec}: {error}; the forms are {NOISE_FORMS}") from None


def _parse_plain(text: str) -> NoiseModel:
    noise: NoiseModel
    match text.split(":"):
        case [sigma] | ["awgn", sigma]:
            noise = GaussianNoise.awgn(_number(sigma))
        case ["shot", a, b]:
            noise = GaussianNoise(NoiseLevel(_number(a), _number(b)))
        case ["lowlight", factor]:
            return CameraNoise(LOWLIGHT_SENSOR, LOWLIGHT_ISO, _number(factor, after="x"))
        case ["camera", name, iso]:
            return CameraNoise(name, _number(iso, before="iso"))
        case ["camera", name, iso, factor]:
            return CameraNoise(name, _number(iso, before="iso"), _number(factor, after="x"))
        case [kind, *_]:
            raise ValueError(f"no such form of {kind}")
    if noise.level.sigma_at(255) > MAX_SIGMA:
        raise ValueError(f"more than {MAX_SIGMA:g} grey levels of noise")
    return noise


def _parse_coding(noise: NoiseModel, text: str) -> NoiseModel:
    codec, _, setting = text.partition(":")
    if not setting.isdecimal():
        raise ValueError(f"{text} gives no codec and whole number")
    return CodedNoise(noise, codec, int(setting))


def _number(text: str, *, before: str = "", after: str = "") -> float:
    """The number in `text` between the given prefix and suffix; ValueError without one."""
    digits = text.removeprefix(before).removesuffix(after)
    try:
        if before + digits + after != text:
            raise ValueError
        number = float(digits)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{text or 'nothing'} is not of the form {before}NUMBER{after}")
    return number
