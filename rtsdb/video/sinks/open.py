"""From what the user typed after --output to a sink."""

from __future__ import annotations

import os
from pathlib import Path

from rtsdb.errors import UsageError
from rtsdb.video.sinks.base import Sink
from rtsdb.video.sinks.mp4 import Mp4Sink
from rtsdb.video.sinks.null import NullSink
from rtsdb.video.sinks.png_dir import PngDirSink
from rtsdb.video.sinks.window import WindowSink

SINK_FORMS = (
    "out.mp4 (a video of the view), out/ (a folder: denoised/*.png and labels/*.png), "
    "window (on the screen), null (nothing)"
)
"""The forms that `open_sink` takes, for a help text."""


def open_sink(text: str) -> Sink:
    """Sink that `text` names; SINK_FORMS lists the forms. Nothing is written before `open`.

    Raises UsageError for a file type that cannot be written.

    >>> open_sink("out.mp4").location
    'out.mp4'
    >>> open_sink("out.gif")
    Traceback (most recent call last):
    rtsdb.errors.UsageError: out.gif: cannot write .gif files; give out.mp4 (a video of the view), \
out/ (a folder: denoised/*.png and labels/*.png), window (on the screen), null (nothing)
    """
    if text == "window":
        return WindowSink()
    if text == "null":
        return NullSink()
    if not text:
        raise UsageError(f"the output has no name; give {SINK_FORMS}")
    suffix = Path(text).suffix.lower()
    if text.endswith("/") or os.path.isdir(text) or not suffix:
        return PngDirSink(text)
    if suffix == ".mp4":
        return Mp4Sink(text)
    raise UsageError(f"{text}: cannot write {suffix} files; give {SINK_FORMS}")
