"""Noise as a codec leaves it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from rtsdb.data.noise_models.fit import fit_level
from rtsdb.data.noise_models.model import NoiseModel, output_for
from rtsdb.errors import UsageError
from rtsdb.noise import NoiseLevel
from rtsdb.video.colour import to_rgb, to_yuv
from rtsdb.video.frame import Image


def _recode_jpeg(frame: Image, quality: int) -> Image:
    bgr = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return decoded[:, :, ::-1]


def _recode_h264(frame: Image, crf: int) -> Image:
    height, width, _ = frame.shape
    # 4:2:0 needs even sides: an odd one gets its last row or column twice.
    even = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    encoder = VideoCodecContext.create("libx264", "w")
    encoder.height, encoder.width = even.shape[:2]
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, 25)
    encoder.options = {"crf": str(crf), "preset": "veryfast"}
    encoder.thread_count = 1  # else the result would depend on the number of processors
    decoder = VideoCodecContext.create("h264", "r")
    reformatter = VideoReformatter()
    packets = [*encoder.encode(to_yuv(even, reformatter)), *encoder.encode(None)]
    (decoded,) = [picture for packet in [*packets, None] for picture in decoder.decode(packet)]
    to_rgb(decoded, reformatter, even)
    return even[:height, :width]


@dataclass(frozen=True)
class Codec:
    """A way to compress one frame and get it back.

    recode: from uint8 [H, W, 3] RGB and a setting to the like. settings: lowest and highest.
    """

    recode: Callable[[Image, int], Image]
    settings: tuple[int, int]


CODECS = {
    "jpeg": Codec(_recode_jpeg, settings=(1, 100)),
    "h264": Codec(_recode_h264, settings=(0, 51)),
}
"""By name. The setting of JPEG is libjpeg's quality (100 is best), that of H.264, each frame an
intra picture, x264's rate factor (0 is best). Both halve the resolution of colour (4:2:0)."""


@dataclass(frozen=True)
class CodedNoise:
    """Noise that went through a codec together with the frame, as in recorded video.

    A codec takes weak detail away, picture and noise alike, and colour detail first; the level is
    that of the noise it leaves on plain grey. Raises ValueError for an unknown codec or a setting
    that it does not have.

    >>> from rtsdb.data.noise_models.gaussian import GaussianNoise
    >>> CodedNoise(GaussianNoise.awgn(25), "jpeg", 75).spec
    'awgn:25+jpeg:75'
    """

    noise: NoiseModel
    codec: str
    setting: int

    def __post_init__(self) -> None:
        if self.codec not in CODECS:
            raise ValueError(f"no codec {self.codec}; known are {', '.join(CODECS)}")
        low, high = CODECS[self.codec].settings
        if not low <= self.setting <= high:
            raise ValueError(f"the setting of {self.codec} is {low} to {high}, not {self.setting}")

    @property
    def spec(self) -> str:
        """The noise's spec, then '+CODEC:SETTING'."""
        return f"{self.noise.spec}+{self.codec}:{self.setting}"

    @cached_property
    def level(self) -> NoiseLevel:
        """The level measured on a chart of 16 grey patches, mean over the channels."""
        grey = np.arange(8, 256, 16, dtype=np.uint8)
        chart = np.kron(grey.reshape(4, 4), np.ones((64, 64), np.uint8))
        shown = self.apply_8bit(np.stack([chart] * 3, axis=2), np.random.default_rng(0))
        patches = shown.reshape(4, 64, 4, 64, 3).swapaxes(1, 2).reshape(16, 64 * 64, 3)
        clipped = np.mean((patches == 0) | (patches == 255), axis=(1, 2))
        return fit_level(grey.astype(np.float64), patches.var(axis=1).mean(axis=1), clipped)

    def apply_8bit(
        self,
        clean: NDArray[np.uint8],
        rng: np.random.Generator,
        out: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.uint8]:
        """The noisy frame, uint8 [H, W, 3] as `clean` is, encoded and decoded."""
        out = output_for(clean, out)
        out[:] = CODECS[self.codec].recode(self.noise.apply_8bit(clean, rng), self.setting)
        return out

    def apply_float(self, clean: NDArray[Any], rng: np.random.Generator) -> NDArray[np.float32]:
        """Always a UsageError: a codec takes 8-bit frames."""
        raise UsageError(f"noise {self.spec}: a codec takes 8-bit frames; it has no float form")
