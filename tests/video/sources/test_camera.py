from pathlib import Path

import av
import numpy as np
import pytest

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.sources import open_source
from rtsdb.video.sources.camera import CameraSource


@pytest.mark.parametrize("text", ["97", "/dev/video97", "097"])
def test_absent_camera(text: str) -> None:
    with pytest.raises(UsageError, match=r"^/dev/video0?97: no such camera; there is ") as caught:
        open_source(text)
    assert "\n" not in str(caught.value)


def test_device_that_is_no_camera(tmp_path: Path) -> None:
    with pytest.raises(RtsdbError, match=r"/dev/null: cannot capture from it \(inapp.*\); another"):
        CameraSource("/dev/null")


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file that opens as FFmpeg's test picture, which acts as a camera does."""
    real_open = av.open
    monkeypatch.setattr(
        "rtsdb.video.sources.camera.av.open",
        lambda *_, **__: real_open("testsrc=size=64x48:rate=10:duration=0.3", format="lavfi"),
    )
    path = tmp_path / "video0"
    path.touch()
    return str(path)


def test_pictures_then_the_camera_stops(device: str) -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    with CameraSource(device) as camera:
        assert camera.info.live
        assert (camera.info.width, camera.info.height, camera.info.rate) == (64, 48, 10)
        seconds = [float(camera.read(image).seconds) for _ in range(3)]
        assert image.any()
        with pytest.raises(RtsdbError, match="camera stopped at frame 3"):
            camera.read(image)
    assert seconds == [0, 0.1, 0.2]
    camera.close()


def test_permission_names_the_group(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("rtsdb.video.sources.camera.av.open", refuse)
    with pytest.raises(RtsdbError, match="group 'video'"):
        CameraSource(device)
