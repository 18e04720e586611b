"""Video encoders: which one works here, and how a stream of it is set up."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache

from av.codec.context import CodecContext
from av.container import OutputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from rtsdb.errors import UsageError
from rtsdb.video.colour import HD_LINES
from rtsdb.video.ffmpeg_errors import FFMPEG_ERRORS, reason

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Encoder:
    """An encoder of FFmpeg: its name there, its options, and those to add for a live stream.

    needs: what it takes beside PyAV. bits: per pixel, where there is no constant quality to ask
    for. None of them uses B-frames (bf): frames are written in the order of showing, and a cut
    costs only what is behind it.
    """

    name: str
    options: Mapping[str, str]
    low_delay: Mapping[str, str] = field(default_factory=dict)
    needs: str = "a complete PyAV (pip install --force-reinstall av)"
    bits: float = 0.0


_NVENC = Encoder(
    "h264_nvenc",
    {"preset": "p4", "rc": "vbr", "cq": "21", "bf": "0", "delay": "0"},
    {"tune": "ull"},
    needs="an NVIDIA GPU with an encoder, and its driver",
)
_V4L2M2M = Encoder(
    "h264_v4l2m2m",
    {"bf": "0"},
    needs="a V4L2 encoder device, as a Raspberry Pi has",
    bits=0.12,
)
_X264 = Encoder(
    "libx264",
    # Slices and no frame threads, three frames looked ahead at: a power cut costs no more, and
    # the files come out as small as with all that veryfast holds back.
    {
        "preset": "veryfast",
        "crf": "20",
        "bf": "0",
        "rc-lookahead": "3",
        "x264-params": "sliced-threads=1:sync-lookahead=0",
    },
    {"tune": "zerolatency"},
)
_MPEG4 = Encoder("mpeg4", {"flags": "+qscale", "global_quality": "354"})  # 118 * quantizer 3

ENCODERS: dict[str, tuple[Encoder, ...]] = {
    "auto": (_NVENC, _V4L2M2M, _X264, _MPEG4),
    "x264": (_X264,),
    "nvenc": (_NVENC,),
    "v4l2m2m": (_V4L2M2M,),
}
"""Values of --encoder, and the encoders they stand for in order of preference."""

_HARDWARE = (_NVENC, _V4L2M2M)
_MPEG4_FINEST = 65535  # MPEG-4 part 2 has 16 bits for the ticks of one second


def choose_encoder(choice: str, size: tuple[int, int]) -> Encoder:
    """The first encoder of `choice`, a key of ENCODERS, that encodes a frame of `size` here.

    size: (width, height) in pixels, both even. Raises UsageError when none does.
    """
    faults = []
    for encoder in ENCODERS[choice]:
        fault = _fault(encoder, size)
        if fault is None:
            if choice == "auto" and encoder not in _HARDWARE:
                _tell_of_software(encoder.name)
            return encoder
        faults.append(f"{encoder.name}: {fault}; it needs {encoder.needs}")
    raise UsageError(f"--encoder {choice}: does not work here ({'; '.join(faults)})")


@cache
def _tell_of_software(name: str) -> None:
    """Once, however many recordings are encoded."""
    log.warning("no hardware encoder works here: encoding with %s", name)


def add_video_stream(
    container: OutputContainer,
    encoder: Encoder,
    size: tuple[int, int],
    rate: Fraction,
    time_base: Fraction,
    *,
    pixel_aspect: Fraction = Fraction(1),
    low_delay: bool = False,
) -> VideoStream:
    """Add a yuv420p stream of frames of `size`, both sides even, timed in `time_base`.

    rate: frames per second, for a key frame every other second (low_delay: every second).
    pixel_aspect: as in `SourceInfo`. Colours are tagged as what `rtsdb.video.colour.to_yuv` makes.
    """
    options = {**encoder.options, **(encoder.low_delay if low_delay else {})}
    options["g"] = str(max(1, round((1 if low_delay else 2) * rate)))
    stream = container.add_stream(encoder.name, rate=rate, options=options)
    assert isinstance(stream, VideoStream)
    if encoder is _MPEG4 and time_base.denominator > _MPEG4_FINEST:
        time_base = Fraction(1, 60000)
    stream.time_base = time_base
    _set_up(stream.codec_context, encoder, size, rate, time_base)
    stream.codec_context.sample_aspect_ratio = pixel_aspect
    return stream


def _set_up(
    context: VideoCodecContext,
    encoder: Encoder,
    size: tuple[int, int],
    rate: Fraction,
    time_base: Fraction,
) -> None:
    context.width, context.height = size
    context.pix_fmt = "yuv420p"
    context.time_base = time_base
    context.bit_rate = round(encoder.bits * size[0] * size[1] * rate)
    # 1: BT.709, 6: SMPTE 170M, that is BT.601, the same numbers in all three tables.
    context.colorspace = context.color_primaries = context.color_trc = (
        1 if context.height >= HD_LINES else 6
    )
    context.color_range = ColorRange.MPEG


def _fault(encoder: Encoder, size: tuple[int, int]) -> str | None:
    """Why `encoder` cannot encode a frame here; None where it can."""
    try:
        context = CodecContext.create(encoder.name, "w")
        assert isinstance(context, VideoCodecContext)
        _set_up(context, encoder, size, Fraction(25), Fraction(1, 25))
        context.options = dict(encoder.options)
        frame = VideoFrame(*size, "yuv420p")
        frame.pts = 0
        context.encode(frame)
        context.encode(None)
    except (*FFMPEG_ERRORS, ValueError) as error:  # ValueError: not in this build of FFmpeg
        return reason(error)
    return None
