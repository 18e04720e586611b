"""The screen as a source."""

from __future__ import annotations

import os
import threading

import av

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.ffmpeg_errors import FFMPEG_ERRORS, reason
from rtsdb.video.sources.base import SourceEvents
from rtsdb.video.sources.live import Connection
from rtsdb.video.sources.live_video import connect_video
from rtsdb.video.sources.options import SourceOptions

SCREEN = "screen://"
"""The whole screen; a display and a corner may follow, as in screen://:1.0+100,200."""

_RATE = 30


def connect_screen(
    text: str, options: SourceOptions, stop: threading.Event, events: SourceEvents
) -> Connection:
    """Capture an X11 screen: `text` is SCREEN and what may follow it.

    The picture has `options.capture_size`, else it reaches to the screen's edges, and comes
    `options.capture_fps` times a second, else 30. Raises UsageError where there is no X11
    screen, RtsdbError when it cannot be captured.
    """
    display = text[len(SCREEN) :]
    if not display or display.startswith("+"):
        display = os.environ.get("DISPLAY", "") + display
    if "x11grab" not in av.formats_available:
        raise UsageError(f"{text}: the FFmpeg inside PyAV here cannot capture X11 screens")
    if not display or display.startswith("+"):
        raise UsageError(f"{text}: there is no X11 screen here (DISPLAY is not set)")
    settings = {"framerate": str(options.capture_fps or _RATE)}
    if options.capture_size is not None:
        settings["video_size"] = "{}x{}".format(*options.capture_size)
    try:
        return connect_video(
            display, text, options.decode, stop, events, format="x11grab", options=settings
        )
    except FFMPEG_ERRORS as error:
        raise RtsdbError(
            f"{text}: the screen {display} cannot be captured ({reason(error)}); is it there, "
            "and is --capture-size within it?"
        ) from error
