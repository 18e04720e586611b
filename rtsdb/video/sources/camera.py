"""V4L2 cameras as a source."""

from __future__ import annotations

import errno
import os
import threading
from dataclasses import replace

from av.video.frame import VideoFrame

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.ffmpeg_errors import FFMPEG_ERRORS, reason
from rtsdb.video.sources.base import SourceEvents
from rtsdb.video.sources.decoded import stream_rate
from rtsdb.video.sources.decoder import VideoInput
from rtsdb.video.sources.live import Connection
from rtsdb.video.sources.live_video import WITHOUT_BLOCKING, connect_video
from rtsdb.video.sources.options import SourceOptions
from rtsdb.video.sources.v4l2 import UNSPECIFIED_MATRIX, colour_tags, describe_modes, video_devices

_FFMPEG_NAMES = {"mjpeg": "mjpeg", "yuyv": "yuyv422"}
_FLAGS = {
    "video_size": "--capture-size",
    "framerate": "--capture-fps",
    "input_format": "--pixel-format",
}
_RATE_TOLERANCE = 0.02  # 30 is as good as 30000/1001


def connect_camera(
    device: str, options: SourceOptions, stop: threading.Event, events: SourceEvents
) -> Connection:
    """Open the camera `device` at the size, rate and pixel format of `options`.

    What is None there stays as the driver is set. Times are the driver's (microseconds of the
    monotonic clock), and so are colour tags. Raises UsageError when the device does not exist or
    does not offer what is asked, RtsdbError when it cannot be opened.
    """
    if not os.path.exists(device):
        raise UsageError(f"{device}: no such camera; {_cameras_present()}")
    try:
        connection = connect_video(
            device,
            device,
            options.decode,
            stop,
            events,
            format="v4l2",
            options=WITHOUT_BLOCKING | _for_ffmpeg(options),
            check=lambda video: _check_mode(device, video, options),
        )
        matrix, range_ = colour_tags(device)
        frames = (_tagged(frame, matrix, range_) for frame in connection.frames)
        return replace(connection, frames=frames)
    except PermissionError:
        raise RtsdbError(
            f"{device}: no permission to read the camera; add yourself to the group 'video'"
        ) from None
    except (*FFMPEG_ERRORS, ValueError) as error:  # ValueError: an FFmpeg without V4L2
        asked, modes = _for_ffmpeg(options), describe_modes(device)
        if getattr(error, "errno", None) == errno.EINVAL and asked and modes:
            wrong = " ".join(f"{_FLAGS[name]} {value}" for name, value in asked.items())
            raise UsageError(
                f"{device}: the camera does not do {wrong}; it offers {modes}"
            ) from error
        hint = "" if modes else f", or it is no capture device: {_cameras_present()}"
        raise RtsdbError(
            f"{device}: cannot capture from it ({reason(error)}); another program may hold it{hint}"
        ) from error


def _tagged(frame: VideoFrame, matrix: int, range_: int) -> VideoFrame:
    """The frame with the driver's colour tags, which FFmpeg does not ask for, on raw pictures."""
    if frame.colorspace == UNSPECIFIED_MATRIX:
        frame.colorspace, frame.color_range = matrix, range_
    return frame


def _for_ffmpeg(options: SourceOptions) -> dict[str, str]:
    """What is asked of the camera, as options of FFmpeg's V4L2 input."""
    asked = {}
    if options.capture_size is not None:
        asked["video_size"] = "{}x{}".format(*options.capture_size)
    if options.capture_fps is not None:
        asked["framerate"] = str(options.capture_fps)
    if options.pixel_format is not None:
        asked["input_format"] = _FFMPEG_NAMES[options.pixel_format]
    return asked


def _check_mode(device: str, video: VideoInput, options: SourceOptions) -> None:
    """Raise UsageError where the driver chose something else than what was asked of it."""
    context, rate = video.stream.codec_context, stream_rate(video.stream)
    size, fps = options.capture_size, options.capture_fps
    pixels = context.pix_fmt if context.name == "rawvideo" else context.name
    wrong = None
    if size is not None and size != (context.width, context.height):
        wrong = "--capture-size {}x{}".format(*size)
    elif options.pixel_format is not None and pixels != _FFMPEG_NAMES[options.pixel_format]:
        wrong = f"--pixel-format {options.pixel_format}"
    elif fps is not None and rate is not None and abs(rate / fps - 1) > _RATE_TOLERANCE:
        wrong = f"--capture-fps {fps}"
    if wrong is not None:
        offered = describe_modes(device) or f"{pixels} {context.width}x{context.height}"
        raise UsageError(f"{device}: the camera does not do {wrong}; it offers {offered}")


def _cameras_present() -> str:
    """What to try instead: the devices that exist."""
    nodes = video_devices()
    if not nodes:
        return "there is no /dev/video* on this machine, so plug a camera in or give a file"
    return f"there is {', '.join(nodes)}"
