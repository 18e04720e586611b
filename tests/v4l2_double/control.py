"""Steering of the camera double in the process that it is preloaded into."""

import ctypes
from pathlib import Path

DEVICE = "/dev/video77"
_library = ctypes.CDLL(None)

YUYV_64, YUYV_96, MJPEG_96 = range(3)
"""The camera's modes: YUYV of 64x48 and 96x64 pixels, MJPEG of 96x64."""


def plug(plugged: bool) -> None:
    """Put the cable in or pull it out."""
    _library.v4l2_double_plug(plugged)


def stall(stalled: bool) -> None:
    """Let no more frames come, without an error."""
    _library.v4l2_double_stall(stalled)


def repeat(repeating: bool) -> None:
    """Give the frames to come the time of the last one."""
    _library.v4l2_double_repeat(repeating)


def spoil(spoiling: bool) -> None:
    """Mark the frames to come as damaged."""
    _library.v4l2_double_spoil(spoiling)


def choose(mode: int) -> None:
    """Set the driver to a mode, as another program may have done."""
    _library.v4l2_double_choose(mode)


def show(jpeg: bytes) -> None:
    """Give the content of the MJPEG frames to come."""
    _library.v4l2_double_show(jpeg, ctypes.c_size_t(len(jpeg)))


def tag(colorspace: int, encoding: int, quantization: int) -> None:
    """Set the colours that the driver tells, in V4L2's numbers."""
    _library.v4l2_double_tag(colorspace, encoding, quantization)


def opened() -> int:
    """How many descriptors of the camera are open."""
    return int(_library.v4l2_double_opened())


def open_descriptors() -> int:
    """How many descriptors of anything are open."""
    return len(list(Path("/proc/self/fd").iterdir()))
