"""What Video4Linux devices say about themselves, asked of the kernel without capturing."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

# Requests and structures of <linux/videodev2.h>; the numbers hold the structures' sizes.
_QUERYCAP = 0x80685600
_ENUM_FMT = 0xC0405602
_ENUM_FRAMESIZES = 0xC02C564A
_ENUM_FRAMEINTERVALS = 0xC034564B

# struct v4l2_format: its type, and the union with struct v4l2_pix_format at the next pointer.
_PIX = struct.calcsize("P")
_G_FMT = 0xC0005604 | (_PIX + 200) << 16

_CAPTURE = 1  # V4L2_BUF_TYPE_VIDEO_CAPTURE
_DISCRETE = 1  # V4L2_FRMSIZE_TYPE_DISCRETE and V4L2_FRMIVAL_TYPE_DISCRETE
_CAP_MEMORY_TO_MEMORY = 0x8000 | 0x4000  # V4L2_CAP_VIDEO_M2M, V4L2_CAP_VIDEO_M2M_MPLANE

UNSPECIFIED_MATRIX, _UNSPECIFIED_RANGE = 2, 0
"""FFmpeg's numbers (AVColorSpace, AVColorRange) for what is not told."""

_LIMITED, _FULL = 1, 2
_BT709, _BT601, _SMPTE240M, _BT2020 = 1, 6, 7, 9

_MAGIC = 0xFEEDCAFE  # V4L2_PIX_FMT_PRIV_MAGIC: the fields that came later are filled in, too
_COLORSPACE_JPEG = 7
_MATRIX_OF_ENCODING = {1: _BT601, 2: _BT709, 3: _BT601, 4: _BT709, 6: _BT2020, 8: _SMPTE240M}
_MATRIX_OF_COLORSPACE = {2: _SMPTE240M, 3: _BT709, 10: _BT2020, 12: _BT709}  # others: BT.601

_NAMES = {"mjpg": "mjpeg", "jpeg": "mjpeg"}


def video_devices() -> list[str]:
    """The /dev/video* nodes that exist."""
    return sorted(map(str, Path("/dev").glob("video[0-9]*")))


def memory_to_memory_devices() -> list[str]:
    """The nodes that decode or encode in hardware, rather than capture."""
    found = []
    for device in video_devices():
        try:
            descriptor = os.open(device, os.O_RDWR | os.O_NONBLOCK)
        except OSError:
            continue
        answer = _ask(descriptor, _QUERYCAP, bytes(104))
        os.close(descriptor)
        if answer is None:
            continue
        (capabilities,) = struct.unpack_from("I", answer, 88)  # of this node, not the driver
        if capabilities & _CAP_MEMORY_TO_MEMORY:
            found.append(device)
    return found


def describe_modes(device: str) -> str:
    """What a camera offers, in words: 'mjpeg 1280x720 (30, 60 fps); yuyv 640x480 (30 fps)'.

    Empty where it does not say.
    """
    try:
        descriptor = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        return "; ".join(
            f"{_name(pixels)} {', '.join(_sizes(descriptor, pixels))}".strip()
            for pixels in _pixel_formats(descriptor)
        )
    finally:
        os.close(descriptor)


def colour_tags(device: str) -> tuple[int, int]:
    """The matrix and range of a camera's raw pictures, in FFmpeg's numbers, as the driver tells.

    Where it leaves a field open, the V4L2 specification says what follows from the others.
    """
    try:
        descriptor = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    except OSError:
        return UNSPECIFIED_MATRIX, _UNSPECIFIED_RANGE
    answer = _ask(descriptor, _G_FMT, struct.pack("I", _CAPTURE).ljust(_PIX + 200, b"\0"))
    os.close(descriptor)
    if answer is None:
        return UNSPECIFIED_MATRIX, _UNSPECIFIED_RANGE
    colorspace, private, _, encoding, quantization = struct.unpack_from("5I", answer, _PIX + 24)
    if private != _MAGIC:
        encoding = quantization = 0
    if not colorspace:
        return UNSPECIFIED_MATRIX, quantization and (_FULL if quantization == 1 else _LIMITED)
    matrix = _MATRIX_OF_ENCODING.get(encoding) or _MATRIX_OF_COLORSPACE.get(colorspace, _BT601)
    full = quantization == 1 or (quantization == 0 and colorspace == _COLORSPACE_JPEG)
    return matrix, _FULL if full else _LIMITED


def _pixel_formats(descriptor: int) -> Iterator[int]:
    for index in _indices():
        answer = _ask(descriptor, _ENUM_FMT, struct.pack("2I56x", index, _CAPTURE))
        if answer is None:
            return
        yield struct.unpack_from("I", answer, 44)[0]


def _sizes(descriptor: int, pixels: int) -> Iterator[str]:
    for index in _indices():
        answer = _ask(descriptor, _ENUM_FRAMESIZES, struct.pack("2I36x", index, pixels))
        if answer is None:
            return
        kind, *sides = struct.unpack_from("7I", answer, 8)
        if kind != _DISCRETE:
            narrowest, widest, _, lowest, highest, _ = sides
            yield f"{narrowest}x{lowest} to {widest}x{highest}"
            return
        width, height = sides[:2]
        rates = [f"{float(rate):.4g}" for rate in _rates(descriptor, pixels, width, height)]
        yield f"{width}x{height}" + (f" ({', '.join(rates)} fps)" if rates else "")


def _rates(descriptor: int, pixels: int, width: int, height: int) -> Iterator[Fraction]:
    for index in _indices():
        request = struct.pack("4I36x", index, pixels, width, height)
        answer = _ask(descriptor, _ENUM_FRAMEINTERVALS, request)
        if answer is None:
            return
        kind, seconds, parts = struct.unpack_from("3I", answer, 16)
        if kind != _DISCRETE or not seconds:
            return
        yield Fraction(parts, seconds)


def _indices() -> range:
    return range(64)  # the kernel ends a list with EINVAL; a broken driver may never do


def _ask(descriptor: int, request: int, argument: bytes) -> bytes | None:
    """The kernel's answer; None at the end of a list, or where the driver has none."""
    try:
        return fcntl.ioctl(descriptor, request, argument)
    except OSError:
        return None


def _name(pixels: int) -> str:
    """The name of a pixel format as --pixel-format has it, from its four-character code."""
    code = struct.pack("I", pixels).decode("ascii", "replace").strip().lower()
    return _NAMES.get(code, code)
