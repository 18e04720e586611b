"""Opening a video with the decoder that was asked for, or the processor where that fails."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import av
from av.codec import Codec, CodecContext
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from rtsdb.errors import RtsdbError
from rtsdb.video.ffmpeg_errors import FFMPEG_ERRORS, reason
from rtsdb.video.sources import v4l2

T = TypeVar("T")

log = logging.getLogger(__name__)


class HardwareDecoderError(Exception):
    """A hardware decoder gave no first frame; the message is the cause."""


@dataclass
class VideoInput:
    """An open container, its video stream, and the decoder that the stream goes through.

    hardware: 'cuda' or 'v4l2m2m' where one of them decodes.
    """

    container: InputContainer
    stream: VideoStream
    context: VideoCodecContext
    hardware: str | None
    _begun: bool = False

    def decode(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        """Frames that `packet` completes; of None, those the decoder still held.

        Raises HardwareDecoderError when hardware fails before its first frame, else FFmpeg's
        errors.
        """
        try:
            frames = self.context.decode(packet)
        except FFMPEG_ERRORS as error:
            if self.hardware is None or self._begun:
                raise
            raise HardwareDecoderError(reason(error)) from error
        self._begun = self._begun or bool(frames)
        return frames


def with_decoder(choice: str, name: str, start: Callable[[str], T], *, live: bool = False) -> T:
    """What `start` gives with the decoder of `choice`, or with 'cpu' where hardware fails.

    choice: one of `rtsdb.video.sources.options.DECODERS`. start: opens the video called `name`
    with 'cpu', 'cuda' or 'v4l2m2m' and decodes its first frame. A fallback is logged in a line.
    live: 'auto' may be 'v4l2m2m'. Outside of the container that PyAV opens, FFmpeg's V4L2 decoders
    learn neither the unit of the times nor a rotation, and give frames without: no harm to live
    video, which has its times of arrival.
    """
    decoder = _present(choice, live)
    if decoder == "cpu" and choice not in ("cpu", "auto"):
        device = "NVIDIA GPU that FFmpeg can use" if choice == "cuda" else "V4L2 decoder"
        log.warning("%s: this machine has no %s; decoding on the CPU", name, device)
    if decoder == "v4l2m2m" and not live:
        log.warning(
            "%s: V4L2 decoders lose the times and the rotation of frames; --decode cpu keeps them",
            name,
        )
    if decoder != "cpu":
        try:
            return start(decoder)
        except HardwareDecoderError as error:
            log.warning("%s: %s decoding failed (%s); decoding on the CPU", name, decoder, error)
    return start("cpu")


def open_video(
    url: object, name: str, decoder: str, *, live: bool = False, **arguments: Any
) -> VideoInput:
    """Open `url` (an address or a file object) as the video called `name`.

    decoder: 'cpu', 'cuda' or 'v4l2m2m'; codecs that the hardware cannot decode go to the CPU.
    live: decode without holding frames back. arguments: for `av.open`. Raises FFmpeg's errors,
    and RtsdbError where there is no video stream.
    """
    accelerator = HWAccel("cuda", allow_software_fallback=True) if decoder == "cuda" else None
    container = av.open(url, "r", hwaccel=accelerator, **arguments)
    try:
        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream):
            raise RtsdbError(
                f"{name}: holds no video stream; give a video, or copy it again if it is one"
            )
        context = stream.codec_context
        hardware = "cuda" if context.is_hwaccel else None
        if decoder == "v4l2m2m":
            replaced = _v4l2m2m_context(context)
            if replaced is not None:
                context, hardware = replaced, decoder
        if decoder != "cpu" and hardware is None and context.name != "rawvideo":
            log.warning(
                "%s: no %s decoder here for %s; decoding on the CPU", name, decoder, context.name
            )
        # Frames in parallel hold back one for each thread: no loss for a file.
        context.thread_type = "SLICE" if live or hardware else "AUTO"
        return VideoInput(container, stream, context, hardware)
    except BaseException:
        container.close()
        raise


def _present(choice: str, live: bool) -> str:
    """The decoder to try first for `choice`: hardware that this machine has, or 'cpu'."""
    if choice in ("auto", "cuda") and _cuda_works():
        return "cuda"
    wanted = choice == "v4l2m2m" or (choice == "auto" and live)
    if wanted and v4l2.memory_to_memory_devices():
        return "v4l2m2m"
    return "cpu"


@functools.cache
def _cuda_works() -> bool:
    """Whether FFmpeg can set up the GPU; asked once, as that takes a while."""
    try:
        HWAccel("cuda").create(Codec("h264", "r"))
    except (*FFMPEG_ERRORS, NotImplementedError, ValueError):
        return False
    return True


def _v4l2m2m_context(context: VideoCodecContext) -> VideoCodecContext | None:
    """A hardware decoder for what `context` decodes, None where there is none for its codec."""
    try:
        replaced = CodecContext.create(f"{context.codec.canonical_name}_v4l2m2m", "r")
        assert isinstance(replaced, VideoCodecContext)
        replaced.extradata = context.extradata
        replaced.width, replaced.height = context.width, context.height
        replaced.open()
    except (*FFMPEG_ERRORS, ValueError):  # ValueError: an FFmpeg without it
        return None
    return replaced
