"""Cameras on the CSI connector of a Jetson, through GStreamer inside OpenCV."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np
from av.video.frame import VideoFrame

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.sources.base import SourceEvents
from rtsdb.video.sources.live import Connection
from rtsdb.video.sources.options import SourceOptions

_SIZE, _RATE = (1920, 1080), Fraction(30)
_NO_CLOCK = Fraction(1, 1_000_000)  # OpenCV gives no times, so those of arrival are taken


def connect_csi(
    text: str, options: SourceOptions, stop: threading.Event, _: SourceEvents
) -> Connection:
    """Open the camera that `text`, csi:// and its number, names.

    Pictures are 1920x1080 at 30 frames per second where `options` do not say. Raises UsageError
    where OpenCV has no GStreamer, RtsdbError when the camera cannot be opened.
    """
    match = re.fullmatch(r"csi://(\d+)", text)
    if match is None:
        raise UsageError(f"{text}: give csi:// and the camera's number, as in csi://0")
    if not _has_gstreamer():
        raise UsageError(
            f"{text}: OpenCV here was built without GStreamer; CSI cameras need the OpenCV of a "
            "Jetson (apt: python3-opencv, in a virtual environment with --system-site-packages)"
        )
    rate = options.capture_fps or _RATE
    capture = cv2.VideoCapture(
        pipeline(int(match[1]), options.capture_size or _SIZE, rate), cv2.CAP_GSTREAMER
    )
    if not capture.isOpened():
        raise RtsdbError(
            f"{text}: the camera cannot be opened; is it connected, does it do the size and rate "
            "asked, and does nvargus-daemon run?"
        )
    return Connection(_frames(capture, stop), _NO_CLOCK, rate, capture.release)


def pipeline(sensor: int, size: tuple[int, int], rate: Fraction) -> str:
    """GStreamer's description of the way from a sensor to OpenCV; only the newest frame waits.

    >>> pipeline(0, (1280, 720), Fraction(60)).split(" ! ")[0]
    'nvarguscamerasrc sensor-id=0'
    """
    width, height = size
    return " ! ".join(
        (
            f"nvarguscamerasrc sensor-id={sensor}",
            f"video/x-raw(memory:NVMM), width={width}, height={height}, format=NV12, "
            f"framerate={rate.numerator}/{rate.denominator}",
            "nvvidconv",
            "video/x-raw, format=BGRx",
            "videoconvert",
            "video/x-raw, format=BGR",
            "appsink drop=true max-buffers=1 sync=false",
        )
    )


def _frames(capture: cv2.VideoCapture, stop: threading.Event) -> Iterator[VideoFrame]:
    while not stop.is_set():
        got, image = capture.read()
        if not got:
            return
        yield VideoFrame.from_ndarray(np.asarray(image, np.uint8), format="bgr24")


def _has_gstreamer() -> bool:
    return re.search(r"GStreamer:\s+YES", cv2.getBuildInformation()) is not None
