from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtsdb.errors import UsageError
from rtsdb.video.sources import SOURCE_FORMS, SourceOptions, open_source
from rtsdb.video.sources.file import VideoFileSource
from rtsdb.video.sources.sequence import SequenceSource
from tests.video.sources.reading import blank


def test_video_file(make_clip: Callable[..., Path]) -> None:
    path = make_clip()
    with open_source(str(path)) as source:
        assert isinstance(source, VideoFileSource)
        assert source.info.files == (str(path),)


def test_folder_and_list_of_videos(make_clip: Callable[..., Path], tmp_path: Path) -> None:
    make_clip("1.mp4")
    with open_source(str(tmp_path)) as source:
        assert isinstance(source, VideoFileSource)
    make_clip("2.mp4")
    with open_source(str(tmp_path)) as source:
        assert isinstance(source, SequenceSource)
    (tmp_path / "list.txt").write_text("2.mp4\n1.mp4\n")
    with open_source(str(tmp_path / "list.txt")) as source:
        assert isinstance(source, SequenceSource)
        assert [Path(file).name for file in source.info.files] == ["2.mp4", "1.mp4"]


def test_images_and_videos_do_not_mix(make_clip: Callable[..., Path], tmp_path: Path) -> None:
    make_clip()
    (tmp_path / "thumbnail.jpg").touch()
    with pytest.raises(UsageError, match=r"holds 1 images and 1 videos; name one kind, as in"):
        open_source(str(tmp_path))


def test_missing_file_suggests_a_near_name(make_clip: Callable[..., Path]) -> None:
    path = make_clip("drive.mp4")
    with pytest.raises(UsageError, match=r"drvie\.mp4: no such file; did you mean .*drive\.mp4\?"):
        open_source(str(path.with_name("drvie.mp4")))


def test_missing_file_teaches_the_forms(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        open_source(str(tmp_path / "nothing-like-it"))
    assert SOURCE_FORMS in str(caught.value)


def test_missing_folder() -> None:
    with pytest.raises(UsageError, match="the folder /no/such does not exist"):
        open_source("/no/such/clip.mp4")
    with pytest.raises(UsageError, match="/no/such/: no such folder"):
        open_source("/no/such/")


@pytest.mark.parametrize(
    ("asked", "option"),
    [
        (SourceOptions(capture_size=(640, 480)), "--capture-size"),
        (SourceOptions(capture_fps=Fraction(30)), "--capture-fps"),
        (SourceOptions(pixel_format="mjpeg"), "--pixel-format"),
    ],
)
@pytest.mark.parametrize("source", ["demo", "-", "rtsp://me:secret@camera/1", "clip.mp4"])
def test_only_cameras_are_asked_for_a_form(source: str, asked: SourceOptions, option: str) -> None:
    with pytest.raises(UsageError, match=f"{option}: .* is no camera or screen of this") as refused:
        open_source(source, asked)
    assert "secret" not in str(refused.value)


def test_mistyped_address_keeps_its_secret() -> None:
    with pytest.raises(UsageError, match=r"^rtsp:/\*\*\*@cam/1: ") as caught:
        open_source("rtsp:/user:secret@cam/1")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("names", [["a.mp4"], ["a.mp4", "b.mp4"], ["1.png", "2.png"]])
def test_a_disk_may_wake_up_for_the_first_frame_only(
    make_clip: Callable[..., Path], tmp_path: Path, names: list[str]
) -> None:
    for name in names:
        if name.endswith("png"):
            assert cv2.imwrite(str(tmp_path / name), np.zeros((64, 96, 3), np.uint8))
        else:
            make_clip(name)
    with open_source([str(tmp_path / name) for name in names]) as source:
        assert source.watchdog is not None
        assert source.watchdog.patience == 30
        assert source.read(blank(source)) is not None
        assert source.watchdog.patience < 5
