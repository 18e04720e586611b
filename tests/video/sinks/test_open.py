from collections.abc import Callable
from pathlib import Path

import pytest

from rtsdb.errors import UsageError
from rtsdb.video.frame import FrameResult, SourceInfo
from rtsdb.video.sinks import SINK_FORMS, SinkOptions, open_labels, open_metadata, open_sink
from rtsdb.video.sinks.base import Sink
from rtsdb.video.sinks.image_dir import ImageDirSink
from rtsdb.video.sinks.label_dir import LabelDirSink
from rtsdb.video.sinks.label_video import LabelVideoSink
from rtsdb.video.sinks.null import NullSink
from rtsdb.video.sinks.push import PushSink
from rtsdb.video.sinks.video_file import VideoFileSink
from rtsdb.video.sinks.window import WindowSink


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("window", WindowSink),
        ("null", NullSink),
        ("a/out.mp4", VideoFileSink),
        ("OUT.MP4", VideoFileSink),
        ("out.mkv", VideoFileSink),
        ("frames/", ImageDirSink),
        ("run.3/", ImageDirSink),
        ("frames", ImageDirSink),
        ("frames/*.jpg", ImageDirSink),
        ("rtsp://user:secret@host/live", PushSink),
        ("UDP://239.0.0.1:5000", PushSink),
    ],
)
def test_forms(text: str, kind: type[Sink]) -> None:
    assert isinstance(open_sink(text), kind)


def test_existing_folder_with_a_dot(tmp_path: Path) -> None:
    (tmp_path / "run.3").mkdir()
    assert isinstance(open_sink(str(tmp_path / "run.3")), ImageDirSink)


@pytest.mark.parametrize(
    ("text", "file"), [("out/*.jpg", "denoised/000000.jpg"), ("out/", "denoised/000000.png")]
)
def test_the_pattern_gives_the_type_of_the_pictures(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_result: Callable[..., FrameResult],
    text: str,
    file: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_sink(text) as sink:
        sink.open(SourceInfo("demo", 64, 48), (64, 48))
        sink.write(make_result())
    assert (tmp_path / "out" / file).exists()


@pytest.mark.parametrize("text", ["out.gif", "out/*.gif", "http://host/live", ""])
def test_other_types_teach_the_forms(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_sink(text)
    assert SINK_FORMS in str(caught.value)


def test_secrets_are_not_in_messages() -> None:
    with pytest.raises(UsageError) as caught:
        open_sink("http://user:secret@host/live?key=secret")
    assert "secret" not in str(caught.value)
    assert open_sink("rtmp://host/app/secret").name == "rtmp://host/app/***"


def test_labels_and_metadata() -> None:
    assert isinstance(open_labels("out.mkv"), LabelVideoSink)
    assert isinstance(open_labels("out/"), LabelDirSink)
    assert open_metadata("out.jsonl").location == "out.jsonl"
    for text in ("out.mp4", ""):
        with pytest.raises(UsageError, match=r"--labels .*: give out\.mkv"):
            open_labels(text)


def test_an_encoder_reaches_its_sink(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path / "out.mp4"), SinkOptions(encoder="v4l2m2m"))
    with pytest.raises(UsageError, match="--encoder v4l2m2m: does not work here"):
        sink.open(SourceInfo("demo", 64, 48), (64, 48))


def test_null_sink_takes_everything(make_result: Callable[..., FrameResult]) -> None:
    with open_sink("null") as sink:
        sink.open(SourceInfo("demo", 64, 48), (64, 48))
        assert sink.write(make_result())
        assert (sink.wants_view, sink.location, sink.name) == (False, None, "null")
