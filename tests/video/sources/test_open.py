from collections.abc import Callable
from pathlib import Path

import pytest

from rtsdb.errors import UsageError
from rtsdb.video.sources import SOURCE_FORMS, open_source
from rtsdb.video.sources.file import VideoFileSource


def test_video_file(make_clip: Callable[..., Path]) -> None:
    with open_source(str(make_clip())) as source:
        assert isinstance(source, VideoFileSource)


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


def test_network_stream() -> None:
    with pytest.raises(UsageError, match="rtsp://cam/1: network streams"):
        open_source("rtsp://cam/1")
