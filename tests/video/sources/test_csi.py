from fractions import Fraction
from typing import ClassVar

import cv2
import numpy as np
import pytest

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.sources import SourceOptions, csi, open_source
from tests.video.sources.reading import read_all


class Capture:
    """Stands for OpenCV on a Jetson; gives blue pictures."""

    opened = True
    pipelines: ClassVar[list[str]] = []

    def __init__(self, pipeline: str, backend: int) -> None:
        assert backend == cv2.CAP_GSTREAMER
        self.pipelines.append(pipeline)
        self.left = 3

    def isOpened(self) -> bool:
        return self.opened

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.left -= 1
        return self.left >= 0, np.full((720, 1280, 3), (200, 0, 0), np.uint8)

    def release(self) -> None:
        self.left = 0


@pytest.fixture
def jetson(monkeypatch: pytest.MonkeyPatch) -> type[Capture]:
    monkeypatch.setattr(csi, "_has_gstreamer", lambda: True)
    monkeypatch.setattr(csi.cv2, "VideoCapture", Capture)
    monkeypatch.setattr(Capture, "opened", True)
    Capture.pipelines.clear()
    return Capture


def test_pictures(jetson: type[Capture]) -> None:
    options = SourceOptions(capture_size=(1280, 720), capture_fps=Fraction(60), reconnect=0)
    image = np.empty((720, 1280, 3), np.uint8)
    with open_source("csi://1", options) as source:
        assert source.info.live
        assert (source.info.width, source.info.height, source.info.rate) == (1280, 720, 60)
        assert source.read(image) is not None
        assert image[0, 0].tolist() == [0, 0, 200], "OpenCV's BGR became RGB"
        read_all(source)
    (pipeline,) = jetson.pipelines
    assert "sensor-id=1" in pipeline
    assert "width=1280, height=720, format=NV12, framerate=60/1" in pipeline


def test_camera_that_does_not_open(jetson: type[Capture], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jetson, "opened", False)
    with pytest.raises(RtsdbError, match=r"csi://0: the camera cannot be opened; is it connected"):
        open_source("csi://0")


def test_wrong_number() -> None:
    with pytest.raises(UsageError, match="csi://left: give csi:// and the camera's number"):
        open_source("csi://left")


@pytest.mark.skipif(csi._has_gstreamer(), reason="OpenCV here has GStreamer")
def test_opencv_without_gstreamer() -> None:
    with pytest.raises(UsageError, match="csi://0: OpenCV here was built without GStreamer"):
        open_source("csi://0")
