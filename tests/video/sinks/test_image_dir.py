import errno
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.frame import FrameResult, SourceInfo
from rtsdb.video.sinks.image_dir import ImageDirSink

INFO = SourceInfo("demo", 64, 48)


def test_pictures_and_label_ids(tmp_path: Path, make_result: Callable[..., FrameResult]) -> None:
    folder = tmp_path / "a" / "out"
    with ImageDirSink(folder) as sink:
        assert not sink.wants_view
        assert not folder.exists()
        sink.open(INFO, (64, 48))
        for index in (0, 7):
            assert sink.write(make_result(index, colour=(200, 40, 90)))
    assert sink.location == str(folder)
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*.png"))
    assert names == [
        f"{kind}/{n}.png" for kind in ("denoised", "labels") for n in ("000000", "000007")
    ]
    picture = cv2.imread(str(folder / "denoised" / "000007.png"))
    assert np.unique(picture.reshape(-1, 3), axis=0).tolist() == [[90, 40, 200]]
    labels = cv2.imread(str(folder / "labels" / "000007.png"), cv2.IMREAD_UNCHANGED)
    assert (labels.shape, labels.dtype) == ((48, 64), np.uint8)
    assert np.unique(labels).tolist() == [7]


def test_pictures_as_jpeg(tmp_path: Path, make_result: Callable[..., FrameResult]) -> None:
    with ImageDirSink(tmp_path, ".jpg") as sink:
        sink.open(INFO, (64, 48))
        sink.write(make_result(3, colour=(200, 40, 90)))
    names = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.*"))
    assert names == ["denoised/000003.jpg", "labels/000003.png"]
    picture = cv2.imread(str(tmp_path / "denoised" / "000003.jpg"))
    assert np.abs(picture.astype(int) - (90, 40, 200)).max() <= 3


def test_folder_of_an_earlier_run_is_refused(
    tmp_path: Path, make_result: Callable[..., FrameResult]
) -> None:
    with ImageDirSink(tmp_path) as sink:
        sink.open(INFO, (64, 48))
        sink.write(make_result())
    with pytest.raises(UsageError, match="denoised: holds images already"):
        ImageDirSink(tmp_path).open(INFO, (64, 48))


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"file/denoised: cannot be made \(not a directory\)"):
        ImageDirSink(tmp_path / "file").open(INFO, (64, 48))


def test_disk_full_leaves_no_half_image(
    tmp_path: Path, make_result: Callable[..., FrameResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    real_write = Path.write_bytes

    def fill(path: Path, data: bytes) -> int:
        if path.name == "000002.png.part" and path.parent.name == "labels":
            real_write(path, data[:10])
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(path, data)

    monkeypatch.setattr(Path, "write_bytes", fill)
    with ImageDirSink(tmp_path) as sink:
        sink.open(INFO, (64, 48))
        sink.write(make_result(0))
        sink.write(make_result(1))
        with pytest.raises(RtsdbError, match=r"000002\.png: cannot be written: .* 2 frames are"):
            sink.write(make_result(2))
    assert not list((tmp_path / "labels").glob("000002.*"))
