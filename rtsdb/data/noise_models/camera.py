"""What a camera records in low light: the physics from photons to the 8-bit frame."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rtsdb.data.noise_models.fit import fit_level
from rtsdb.data.noise_models.model import output_for
from rtsdb.data.noise_models.normal import CHUNK, draw, normal_quantiles
from rtsdb.data.noise_models.sensors import MAX_ISO, MIN_ISO, SENSORS, WHITE, Sensor
from rtsdb.errors import UsageError
from rtsdb.noise import NoiseLevel

MAX_UNDEREXPOSURE = 30.0
"""Least light that is modelled: this many times less than a correct exposure has."""

LOWLIGHT_SENSOR, LOWLIGHT_ISO = "nikon-d850", 3200
"""The camera behind `lowlight:8x`. At 8x its picture is that of ISO 25600, the highest that this
camera offers, and at 30x nearly that of ISO 102400, the highest to which it can be forced."""

_WHITE_BALANCE = np.array([2.15, 1.0, 1.7])
"""Gains of red, green and blue: the middle of what cameras use, 1.9..2.4 and 1.5..1.9, according
to Brooks et al., "Unprocessing Images for Learned Raw Denoising", CVPR 2019."""


@dataclass(frozen=True)
class CameraNoise:
    """A frame as one of the measured cameras (`sensors.SENSORS`) records it in low light.

    The clean frame stands for the scene correctly exposed at ISO 100, white just filling the
    sensor. At a higher `iso` (100..6400) the sensor gets iso/100 times less light, and its gain
    before the converter is that much higher: what a camera's automatic does at dusk.
    `underexposure` (1..30) says how many times less light than that there was; the gain that
    makes up for it comes after the converter, as when the automatic is at its end. So the frame
    keeps its brightness, and noise is all that changes. The steps, on linear light (sRGB undone,
    white balance divided out):

    1. photons: electrons of each pixel and channel, Poisson
    2. readout: read noise of each pixel, normal, and row noise, normal and one for a whole row
    3. the converter: whole raw values (14 bits), clipped where the sensor is full
    4. development: exposure gain, white balance, sRGB gamma, 8 bits

    This is the model of Wei et al., "A Physics-based Noise Formation Model for Extreme Low-light
    Raw Denoising", CVPR 2020, with its Gaussian read noise. Each channel of a pixel is one raw
    sample: colour filter and demosaicking are left out, and so is the colour matrix. Raises
    ValueError for a camera or settings outside these.

    >>> CameraNoise("sony-a7s2", iso=1600, underexposure=4).spec
    'camera:sony-a7s2:iso1600:4x'
    >>> CameraNoise("nikon-d850", iso=3200, underexposure=8).spec
    'lowlight:8x'
    """

    camera: str
    iso: float
    underexposure: float = 1.0

    def __post_init__(self) -> None:
        if self.camera not in SENSORS:
            raise ValueError(f"no camera {self.camera}; known are {', '.join(SENSORS)}")
        if not MIN_ISO <= self.iso <= MAX_ISO:
            raise ValueError(f"ISO is {MIN_ISO} to {MAX_ISO}, not {self.iso:g}")
        if not 1 <= self.underexposure <= MAX_UNDEREXPOSURE:
            raise ValueError(
                f"exposure is 1x to {MAX_UNDEREXPOSURE:g}x, not {self.underexposure:g}x"
            )

    @property
    def spec(self) -> str:
        """'lowlight:8x' or 'camera:NAME:isoN', with ':8x' where it was underexposed."""
        factor = f":{self.underexposure:g}x" if self.underexposure > 1 else ""
        if factor and (self.camera, self.iso) == (LOWLIGHT_SENSOR, LOWLIGHT_ISO):
            return f"lowlight{factor}"
        return f"camera:{self.camera}:iso{self.iso:g}{factor}"

    @cached_property
    def level(self) -> NoiseLevel:
        """The line that `fit_level` draws through the variances of the shown frame.

        Mean over the channels, row noise included. Gamma makes noise strongest in the dark, so
        `a` is negative.
        """
        grey = np.arange(4.0, 256.0, 8.0)
        nodes = normal_quantiles()[512::1024].astype(np.float64)
        nodes /= nodes.std()
        noise = math.hypot(self._sensor.read.at(self._gain), self._sensor.row.at(self._gain))
        raw = np.zeros((len(grey), 3, len(nodes)))
        for coefficient in self._raw_polynomial(grey, noise):
            raw = raw * nodes + coefficient[..., None]
        shown = _to_srgb(raw * self._development_gain[:, None])
        clipped = np.mean((shown <= 0) | (shown >= 255), axis=(1, 2))
        variance = shown.var(axis=2).mean(axis=1)
        return fit_level(grey, variance, clipped)

    def apply_8bit(
        self,
        clean: NDArray[np.uint8],
        rng: np.random.Generator,
        out: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.uint8]:
        """The frame as the camera shows it; ValueError unless `clean` is uint8 [H, W, 3].

        >>> road = np.full((64, 64, 3), 90, np.uint8)
        >>> night = CameraNoise("nikon-d850", 3200, 8).apply_8bit(road, np.random.default_rng(0))
        >>> bool(abs(night.mean() - 90) < 3), bool(12 < night.std() < 20)
        (True, True)
        """
        if clean.dtype != np.uint8 or clean.ndim != 3 or clean.shape[2] != 3:
            raise ValueError(f"a camera records uint8 [H, W, 3], not {clean.dtype} {clean.shape}")
        out = output_for(clean, out)
        quantiles = normal_quantiles()
        cubic, *lower = self._raw_tables
        development, offsets = self._development
        height, width, _ = clean.shape
        row_noise = rng.standard_normal((height, 1, 1), np.float32)
        row_noise *= np.float32(self._sensor.row.at(self._gain))
        step = max(1, CHUNK // (3 * width))
        scratch = np.empty((step, width, 3), np.float32)
        for top in range(0, height, step):
            rows = slice(top, top + step)
            grey = np.ascontiguousarray(clean[rows])
            z = scratch[: len(grey)]
            draw(quantiles, rng, z.reshape(-1))
            raw = np.asarray(cv2.LUT(grey, cubic), np.float32)
            for table in lower:
                raw *= z
                raw += cv2.LUT(grey, table)
            raw += row_noise[rows]
            np.rint(raw, out=raw)
            np.clip(raw, 0, self._shown_white, out=raw)
            raw += offsets
            np.take(development, raw.astype(np.int32), out=out[rows], mode="clip")
        return out

    def apply_float(self, clean: NDArray[Any], rng: np.random.Generator) -> NDArray[np.float32]:
        """Always a UsageError: a camera rounds and clips by nature."""
        raise UsageError(f"noise {self.spec}: a camera gives 8-bit frames; it has no float form")

    @property
    def _sensor(self) -> Sensor:
        return SENSORS[self.camera]

    @property
    def _gain(self) -> float:
        """DN per electron."""
        return self._sensor.gain(self.iso)

    @property
    def _development_gain(self) -> NDArray[np.float64]:
        """From raw values in DN to linear light in 0..1, per channel."""
        return _WHITE_BALANCE * self.underexposure / WHITE

    @property
    def _shown_white(self) -> int:
        """Raw value in DN from which all channels are shown as 255; WHITE where not underexposed.

        What is above need not be told apart: that covers the clipping of the full sensor.
        """
        return math.ceil(WHITE / self.underexposure)

    def _raw_polynomial(self, grey: NDArray[np.float64], noise: float) -> NDArray[np.float64]:
        """The raw values at grey levels [n] as polynomials of a standard normal variable z.

        `noise` is the deviation of the normal noise in DN. The result is float64 [4, n, 3], in
        DN: the coefficients of z^3, z^2, z and 1, for red, green and blue. Poisson plus normal
        is given by its first four cumulants (Cornish and Fisher, "Moments and cumulants in the
        specification of distributions", 1937). Its distribution function is nowhere further
        than 0.01 from the exact one as long as read noise is half an electron or more, which it
        is in all these cameras, and drawing it is five times as quick.
        """
        electrons = _to_linear(grey)[:, None] / self._development_gain / self._gain
        variance = electrons + (noise / self._gain) ** 2
        sigma = np.sqrt(variance)
        skewness, kurtosis = electrons / sigma**3, electrons / variance**2
        cubic = kurtosis / 24 - skewness**2 / 18
        linear = 1 - kurtosis / 8 + 5 * skewness**2 / 36
        standard = np.stack([cubic, skewness / 6, linear, -skewness / 6])
        raw: NDArray[np.float64] = self._gain * sigma * standard
        raw[3] += self._gain * electrons
        return raw

    @cached_property
    def _raw_tables(self) -> list[NDArray[np.float32]]:
        """`_raw_polynomial` of all 256 grey levels, as tables for cv2.LUT."""
        noise = self._sensor.read.at(self._gain)
        coefficients = self._raw_polynomial(np.arange(256.0), noise)
        return list(coefficients.astype(np.float32)[:, None])

    @cached_property
    def _development(self) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """The shown values of raw values 0.._shown_white, and where each channel's begin."""
        raw = np.arange(self._shown_white + 1.0)
        shown = np.rint(_to_srgb(self._development_gain[:, None] * raw)).astype(np.uint8)
        return shown.reshape(-1), len(raw) * np.arange(3, dtype=np.float32)


def draw_camera_noise(rng: np.random.Generator) -> CameraNoise:
    """A camera, an ISO and an underexposure at random, all in the range of `CameraNoise`.

    ISO 400..6400 and underexposure 2..30, both log-uniform, their product at most ISO 102400.
    """
    camera = list(SENSORS)[rng.integers(len(SENSORS))]
    iso = round(math.exp(rng.uniform(math.log(400), math.log(MAX_ISO))))
    darkest = min(MAX_UNDEREXPOSURE, 102400 / iso)
    underexposure = round(math.exp(rng.uniform(math.log(2), math.log(darkest))), 1)
    return CameraNoise(camera, iso, underexposure)


def _to_linear(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear light in 0..1 of sRGB values 0..255 (IEC 61966-2-1)."""
    y = grey / 255
    return np.where(y <= 0.04045, y / 12.92, ((y + 0.055) / 1.055) ** 2.4)


def _to_srgb(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse, clipped: sRGB values 0..255, not rounded, of linear light."""
    x = np.clip(light, 0, 1)
    return 255 * np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
