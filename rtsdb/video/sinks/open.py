"""From what the user typed after --sink, --labels and --metadata to sinks."""

from __future__ import annotations

import os
from pathlib import Path

from rtsdb.errors import UsageError
from rtsdb.video.sinks.base import Sink
from rtsdb.video.sinks.container_file import FORMATS
from rtsdb.video.sinks.image_dir import IMAGE_ENDINGS, ImageDirSink
from rtsdb.video.sinks.label_dir import LabelDirSink
from rtsdb.video.sinks.label_video import LabelVideoSink
from rtsdb.video.sinks.metadata import MetadataSink
from rtsdb.video.sinks.null import NullSink
from rtsdb.video.sinks.options import SinkOptions
from rtsdb.video.sinks.push import PROTOCOLS, PushSink
from rtsdb.video.sinks.video_file import VideoFileSink
from rtsdb.video.sinks.window import WindowSink
from rtsdb.video.urls import is_url, redacted, scheme

SINK_FORMS = (
    "out.mp4 or out.mkv (a video of the view), out/ (a folder: denoised/*.png and labels/*.png), "
    "'out/*.jpg' (the same with JPEG pictures), rtsp://HOST/PATH (sent there; also rtmp, srt, udp "
    "and tcp), window (on the screen), null (nothing)"
)
"""The forms that `open_sink` takes, for a help text."""

_DEFAULTS = SinkOptions()


def open_sink(text: str, options: SinkOptions = _DEFAULTS) -> Sink:
    """Sink that `text` names; SINK_FORMS lists the forms. Nothing is written before `open`.

    Raises UsageError for a file type that cannot be written.

    >>> open_sink("out.mp4").location
    'out.mp4'
    >>> open_sink("out.gif")
    Traceback (most recent call last):
    rtsdb.errors.UsageError: out.gif: cannot write .gif files; give out.mp4 or out.mkv (a video \
of the view), out/ (a folder: denoised/*.png and labels/*.png), 'out/*.jpg' (the same with JPEG \
pictures), rtsp://HOST/PATH (sent there; also rtmp, srt, udp and tcp), window (on the screen), \
null (nothing)
    """
    if text == "window":
        return WindowSink(options.view, options.classes)
    if text == "null":
        return NullSink()
    if not text:
        raise UsageError(f"the output has no name; give {SINK_FORMS}")
    if is_url(text):
        if scheme(text) not in PROTOCOLS:
            raise UsageError(f"{redacted(text)}: cannot be sent to; give {SINK_FORMS}")
        return PushSink(text, options.encoder)
    path = Path(text)
    ending = path.suffix.lower()
    if path.name in {f"*{e}" for e in IMAGE_ENDINGS}:
        return ImageDirSink(path.parent, ending)
    if is_folder(text):
        return ImageDirSink(text)
    if ending in FORMATS:
        return VideoFileSink(text, options.encoder)
    raise UsageError(f"{text}: cannot write {ending} files; give {SINK_FORMS}")


def open_labels(text: str, options: SinkOptions = _DEFAULTS) -> Sink:
    """Sink of the label maps: a lossless video (.mkv) or a folder of PNGs with a palette.

    Raises UsageError for another file type.

    >>> open_labels("out.mp4")
    Traceback (most recent call last):
    rtsdb.errors.UsageError: --labels out.mp4: give out.mkv (a lossless video of class ids) or \
out/ (a folder of PNGs with a palette)
    """
    if text and is_folder(text):
        return LabelDirSink(text, options.classes)
    if Path(text).suffix.lower() == ".mkv":
        return LabelVideoSink(text)
    raise UsageError(
        f"--labels {text}: give out.mkv (a lossless video of class ids) or out/ (a folder of PNGs "
        "with a palette)"
    )


def open_metadata(text: str, options: SinkOptions = _DEFAULTS) -> Sink:
    """Sink of a line of JSON for each frame, in the file `text`."""
    return MetadataSink(text, options.classes)


def is_folder(text: str) -> bool:
    """Whether `text` names a folder, there already or not.

    >>> is_folder("out/"), is_folder("out"), is_folder("out.mp4")
    (True, True, False)
    """
    return text.endswith("/") or os.path.isdir(text) or not Path(text).suffix
