from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from rtsdb.errors import RtsdbError
from rtsdb.video.colour import to_rgb, to_yuv

PATCHES = [
    (200, 40, 40),
    (40, 200, 40),
    (40, 40, 200),
    (230, 230, 230),
    (10, 10, 10),
    (200, 180, 40),
]
WEIGHTS = {"709": (0.2126, 0.0722), "601": (0.299, 0.114)}


def yuv_of(rgb: tuple[int, int, int], matrix: str, full: bool) -> tuple[int, int, int]:
    """The standards' own formula, independent of FFmpeg."""
    red, blue = WEIGHTS[matrix]
    r, g, b = (level / 255 for level in rgb)
    y = red * r + (1 - red - blue) * g + blue * b
    u, v = (b - y) / (2 * (1 - blue)), (r - y) / (2 * (1 - red))
    if full:
        return round(255 * y), round(128 + 255 * u), round(128 + 255 * v)
    return round(16 + 219 * y), round(128 + 224 * u), round(128 + 224 * v)


def flat(width: int, height: int, yuv: tuple[int, int, int], pixels: str) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, pixels)
    for plane, level in zip(frame.planes, yuv, strict=True):
        plane.update(bytes([level]) * plane.buffer_size)
    return frame


@pytest.mark.parametrize(
    ("tag", "height", "matrix"),
    [(1, 48, "709"), (6, 48, "601"), (5, 720, "601"), (2, 720, "709"), (2, 718, "601")],
    ids=["tagged709", "tagged601", "hd-tagged601", "hd-untagged", "sd-untagged"],
)
@pytest.mark.parametrize(
    ("range_tag", "pixels", "full"),
    [(1, "yuv420p", False), (2, "yuv420p", True), (0, "yuv420p", False), (0, "yuvj420p", True)],
    ids=["limited", "full", "untagged", "yuvj"],
)
def test_decoded_colours_follow_tags_then_the_rule(
    tag: int, height: int, matrix: str, range_tag: int, pixels: str, full: bool
) -> None:
    reformatter = VideoReformatter()
    image = np.empty((height, 64, 3), np.uint8)
    for patch in PATCHES:
        frame = flat(64, height, yuv_of(patch, matrix, full), pixels)
        frame.colorspace, frame.color_range = tag, range_tag
        to_rgb(frame, reformatter, image)
        assert np.abs(image.astype(int) - patch).max() <= 3, patch


@pytest.mark.parametrize("pixels", ["yuyv422", "yuv422p", "nv12", "p010le", "yuv420p10le"])
@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize(("height", "matrix"), [(720, "709"), (48, "601")])
def test_what_cameras_and_gpus_give_is_decoded_alike(
    pixels: str, full: bool, height: int, matrix: str
) -> None:
    reformatter = VideoReformatter()
    image = np.empty((height, 64, 3), np.uint8)
    for patch in PATCHES:
        planar = flat(64, height, yuv_of(patch, matrix, full), "yuv444p")
        planar.color_range = 2 if full else 1
        frame = planar.reformat(format=pixels)
        frame.colorspace, frame.color_range = 2, 2 if full else 0
        to_rgb(frame, reformatter, image)
        assert np.abs(image.astype(int) - patch).max() <= 3, patch


@pytest.mark.parametrize("pixels", ["rgb24", "bgr24", "bgr0", "gbrp", "rgba"])
@pytest.mark.parametrize("tag", [0, 2], ids=["tagged", "untagged"])
@pytest.mark.parametrize("range_tag", [0, 1, 2])
def test_rgb_passes_as_it_is(pixels: str, tag: int, range_tag: int) -> None:
    image, out = np.empty((720, 64, 3), np.uint8), np.empty((720, 64, 3), np.uint8)
    image[:] = PATCHES[0]
    image[:, 32:] = PATCHES[4]
    frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=pixels)
    frame.colorspace, frame.color_range = tag, range_tag
    to_rgb(frame, VideoReformatter(), out)
    assert np.array_equal(out, image)


def test_mjpeg_has_bt601_and_the_full_range_at_any_size() -> None:
    for patch in PATCHES:
        image = np.empty((720, 64, 3), np.uint8)
        image[:] = patch
        jpeg = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()
        frames = av.CodecContext.create("mjpeg", "r").decode(av.Packet(jpeg))
        to_rgb(frames[0], VideoReformatter(), image)
        assert np.abs(image.astype(int) - patch).max() <= 3, patch


def test_bt2020_with_constant_luminance_counts_as_the_other() -> None:
    images = []
    for tag in (9, 10):
        frame = flat(64, 48, (120, 90, 170), "yuv420p")
        frame.colorspace = tag
        images.append(np.empty((48, 64, 3), np.uint8))
        to_rgb(frame, VideoReformatter(), images[-1])
    assert np.array_equal(*images)


def test_matrix_that_cannot_be_converted() -> None:
    frame = flat(64, 48, (120, 90, 170), "yuv420p")
    frame.colorspace = 8  # YCgCo
    with pytest.raises(RtsdbError, match=r"colour matrix \(number 8 .*\) cannot be converted"):
        to_rgb(frame, VideoReformatter(), np.empty((48, 64, 3), np.uint8))


@pytest.mark.parametrize(("height", "matrix"), [(720, "709"), (48, "601")])
def test_encoded_colours_have_the_matrix_they_claim(height: int, matrix: str) -> None:
    for patch in PATCHES:
        image = np.empty((height, 64, 3), np.uint8)
        image[:] = patch
        frame = to_yuv(image, VideoReformatter())
        got = [bytes(plane)[0] for plane in frame.planes]
        assert np.abs(np.subtract(got, yuv_of(patch, matrix, full=False))).max() <= 1


def test_strided_arrays_are_read_and_written() -> None:
    frame = flat(64, 48, yuv_of((200, 40, 40), "601", False), "yuv420p")
    frame.time_base = Fraction(1, 25)
    canvas = np.zeros((48, 200, 3), np.uint8)
    to_rgb(frame, VideoReformatter(), canvas[:, 100:164])
    assert np.abs(canvas[:, 100:164].astype(int) - (200, 40, 40)).max() <= 3
    assert not canvas[:, :100].any()
    assert not canvas[:, 164:].any()
    mirrored = canvas[:, 100:164][:, ::-1]
    assert to_yuv(mirrored, VideoReformatter()).width == 64
