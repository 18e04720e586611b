from collections.abc import Callable
from pathlib import Path

import pytest

from rtsdb.errors import UsageError
from rtsdb.video.frame import FrameResult, SourceInfo
from rtsdb.video.sinks import SINK_FORMS, open_sink
from rtsdb.video.sinks.base import Sink
from rtsdb.video.sinks.mp4 import Mp4Sink
from rtsdb.video.sinks.null import NullSink
from rtsdb.video.sinks.png_dir import PngDirSink
from rtsdb.video.sinks.window import WindowSink


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("window", WindowSink),
        ("null", NullSink),
        ("a/out.mp4", Mp4Sink),
        ("OUT.MP4", Mp4Sink),
        ("frames/", PngDirSink),
        ("run.3/", PngDirSink),
        ("frames", PngDirSink),
    ],
)
def test_forms(text: str, kind: type[Sink]) -> None:
    assert isinstance(open_sink(text), kind)


def test_existing_folder_with_a_dot(tmp_path: Path) -> None:
    (tmp_path / "run.3").mkdir()
    assert isinstance(open_sink(str(tmp_path / "run.3")), PngDirSink)


@pytest.mark.parametrize("text", ["out.gif", "out.mkv", ""])
def test_other_types_teach_the_forms(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_sink(text)
    assert SINK_FORMS in str(caught.value)


def test_null_sink_takes_everything(make_result: Callable[..., FrameResult]) -> None:
    with open_sink("null") as sink:
        sink.open(SourceInfo("demo", 64, 48), (64, 48))
        assert sink.write(make_result())
        assert (sink.wants_view, sink.location) == (False, None)
