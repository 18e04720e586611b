"""The colour rule: which matrix and range turn a video's YUV into RGB, and back.

A stream that names its matrix is believed. One that does not is BT.709 from 720 lines up and
BT.601 below, as cameras and players do; without the rule, untagged HD video comes out 8 to 15
levels wrong on saturated colours. The range is limited (16..235) where the stream does not say
full. RGB and grey frames, such as those of a screen, have neither and pass on as they are.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from rtsdb.errors import RtsdbError
from rtsdb.video.frame import Image

HD_LINES = 720
"""Frame height in lines from which untagged video counts as BT.709."""

# Tags (AVColorSpace) by what they mean here: none said (or RGB's, whose frames need none), those
# that FFmpeg converts, and constant-luminance BT.2020, which differs little from the other.
_UNTAGGED = (0, 2, 3)
_CONVERTED = (1, 4, 5, 6, 7, 9)
_BT2020, _BT2020_CONSTANT = 9, 10


def default_matrix(height: int) -> Colorspace:
    """Matrix of a video of `height` lines that carries no tag.

    >>> default_matrix(1080).name, default_matrix(540).name
    ('ITU709', 'ITU601')
    """
    return Colorspace.ITU709 if height >= HD_LINES else Colorspace.ITU601


def to_rgb(frame: VideoFrame, reformatter: VideoReformatter, into: Image) -> None:
    """Write a decoded frame, of any pixel format, into `into` (uint8 [H, W, 3] RGB).

    `into` may be a strided view. Keep one reformatter per stream: it holds the tables. Raises
    RtsdbError for a matrix that cannot be converted, such as YCgCo.
    """
    matrix = _matrix(frame)
    full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
    rgb = reformatter.reformat(
        frame,
        format="rgb24",
        src_colorspace=matrix,
        dst_colorspace=_other_than(matrix),
        src_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
    )
    plane = rgb.planes[0]
    rows = np.frombuffer(cast(memoryview, plane), np.uint8).reshape(rgb.height, plane.line_size)
    np.copyto(into, rows[:, : 3 * rgb.width].reshape(rgb.height, rgb.width, 3))


def to_yuv(image: Image, reformatter: VideoReformatter) -> VideoFrame:
    """Limited-range yuv420p frame of `image` (uint8 [H, W, 3] RGB, both sides even).

    Uses, and carries as its tag, the matrix that `default_matrix` gives for H.
    """
    if image.strides[1:] != (3, 1):
        image = np.ascontiguousarray(image)
    matrix = default_matrix(image.shape[0])
    return reformatter.reformat(
        VideoFrame.from_numpy_buffer(image, format="rgb24"),
        format="yuv420p",
        src_colorspace=_other_than(matrix),
        dst_colorspace=matrix,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
    )


def _matrix(frame: VideoFrame) -> int:
    tag = frame.colorspace
    if tag in _UNTAGGED:
        return int(default_matrix(frame.height))
    if tag == _BT2020_CONSTANT:
        frame.colorspace = tag = _BT2020
    if tag not in _CONVERTED:
        raise RtsdbError(
            f"the video's colour matrix (number {tag} of ITU-T H.273) cannot be converted; "
            "encode it again as BT.709"
        )
    return int(tag)


def _other_than(matrix: int) -> Colorspace:
    """A matrix for the RGB side, where it means nothing.

    PyAV before 17 ignores range and matrix when both sides are given the same ones.
    """
    return Colorspace.ITU709 if matrix != Colorspace.ITU709 else Colorspace.ITU601
