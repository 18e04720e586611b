"""From what the user typed after --source to a source."""

from __future__ import annotations

import difflib
import glob
import os
import re
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from rtsdb.errors import UsageError
from rtsdb.video.sources.base import Source, SourceEvents
from rtsdb.video.sources.camera import connect_camera
from rtsdb.video.sources.csi import connect_csi
from rtsdb.video.sources.file import VideoFileSource
from rtsdb.video.sources.images import ImageSource
from rtsdb.video.sources.live import Connection, LiveSource
from rtsdb.video.sources.options import SourceOptions
from rtsdb.video.sources.paths import files_named, is_image
from rtsdb.video.sources.reconnect import ReconnectingSource
from rtsdb.video.sources.screen import SCREEN, connect_screen
from rtsdb.video.sources.sequence import SequenceSource
from rtsdb.video.sources.stdin import STDIN, StdinReader
from rtsdb.video.sources.stream import connect_stream, is_file
from rtsdb.video.urls import is_url, redacted, scheme

SOURCE_FORMS = (
    "demo (a drawn street scene), 0 or /dev/video0 (a camera), csi://0 (a Jetson's camera), "
    "rtsp://camera/1 (a stream: rtsp, rtp, http, udp, tcp), screen:// (the screen), "
    "drive.mp4 (a video file), photo.png (an image), frames/ (a folder of images or videos), "
    "'clips/*.mp4' (a quoted pattern), list.txt (a list of files), - (standard input)"
)
"""The forms that `open_source` takes, for a help text."""

_DEFAULTS = SourceOptions()

_ConnectLive = Callable[[threading.Event, SourceEvents], Connection]


def open_source(given: str | Sequence[str], options: SourceOptions = _DEFAULTS) -> Source:
    """Open what `given` names; SOURCE_FORMS lists the forms.

    Several names, of files, folders, patterns and lists, are played in order. The caller closes
    the source (a `with` block does). Raises UsageError when there is no such thing or it does
    not do what `options` ask, RtsdbError when it is there but cannot be read.
    """
    names = [
        f"/dev/video{int(name)}" if name.isdecimal() else name
        for name in ([given] if isinstance(given, str) else given)
    ]
    for name in names:
        if not _is_device(name):
            options.check_captured(redacted(name))
    if len(names) != 1:
        return _open_several(names, options)
    (text,) = names
    if text == "demo":
        from rtsdb.video.sources.demo import DemoSource

        return DemoSource()
    if text == STDIN:
        stop = threading.Event()
        # Not in hardware unasked: what that had read when it failed cannot be read again.
        decode = "cpu" if options.decode == "auto" else options.decode
        return VideoFileSource("standard input", decode, url=StdinReader(stop), stop=stop)
    if scheme(text) in ("http", "https") and is_file(text):
        return VideoFileSource(redacted(text), options.decode, url=text)
    connect = _live(text, options)
    if connect is not None:
        return _open_live(redacted(text), connect, options.reconnect)
    return _open_files(text, _files(text), options.decode)


def video_files(names: Sequence[str]) -> list[Path]:
    """The recorded videos that `names` of files, folders, patterns and lists stand for, in order.

    Raises UsageError for names of anything else.
    """
    for name in names:
        if not _is_of_files(name):
            raise UsageError(f"{redacted(name)}: is no recording; give video files")
    paths = [path for name in names for path in _files(name)]
    for path in paths:
        if is_image(path):
            raise UsageError(f"{path}: is an image; give video files")
    return paths


def _is_of_files(name: str) -> bool:
    """Whether `name` can only be one of files, which are there to be read again."""
    return name not in ("demo", STDIN) and _live(name, _DEFAULTS) is None


def _is_device(name: str) -> bool:
    """Whether `name` is of a camera or the screen."""
    return name.startswith(("csi://", SCREEN)) or _is_camera(name)


def _is_camera(name: str) -> bool:
    video = name.isdecimal() or re.fullmatch(r"/dev/video\d+", name) is not None
    return video or Path(name).is_char_device()


def _live(text: str, options: SourceOptions) -> _ConnectLive | None:
    """What connects to the camera, screen or stream `text`; None where it is none of them."""
    if _is_camera(text):
        return partial(connect_camera, text, options)
    if text.startswith("csi://"):
        return partial(connect_csi, text, options)
    if text.startswith(SCREEN):
        return partial(connect_screen, text, options)
    if is_url(text) or (text.endswith(".sdp") and os.path.exists(text)):
        return partial(connect_stream, text, options)
    return None


def _open_live(name: str, connect: _ConnectLive, reconnect: int | None) -> Source:
    stop, events = threading.Event(), SourceEvents()

    def connect_once() -> Source:
        return LiveSource(name, lambda gone: connect(gone, events), stop=stop, events=events)

    return ReconnectingSource(connect_once, attempts=reconnect, stop=stop, events=events)


def _open_several(names: list[str], options: SourceOptions) -> Source:
    if not names:
        raise UsageError(f"no source given; give {SOURCE_FORMS}")
    for name in names:
        if not _is_of_files(name):
            raise UsageError(f"{redacted(name)}: must be the only source; several are for files")
    title = f"{names[0]} and {len(names) - 1} more"
    return _open_files(title, [path for name in names for path in _files(name)], options.decode)


def _open_files(name: str, paths: list[Path], decode: str) -> Source:
    """Images or videos, as one source."""
    images = [path for path in paths if is_image(path)]
    if len(images) == len(paths):
        return ImageSource(name, paths)
    if images:
        raise UsageError(
            f"{name}: holds {len(images)} images and {len(paths) - len(images)} videos; "
            "name one kind, as in 'folder/*.mp4'"
        )
    if len(paths) == 1:
        return VideoFileSource(paths[0], decode)
    return SequenceSource(name, paths, lambda path: VideoFileSource(path, decode))


def _files(text: str) -> list[Path]:
    if os.path.exists(text) or glob.has_magic(text):
        return files_named(text)
    raise UsageError(_missing(text))


def _missing(text: str) -> str:
    """Message for a path that does not exist, with names that the user may have meant."""
    folder, name = os.path.split(text)
    shown = redacted(text)  # it may be a mistyped address
    if not name:
        return f"{shown}: no such folder; give {SOURCE_FORMS}"
    try:
        beside = os.listdir(folder or ".")
    except OSError:
        return f"{shown}: the folder {redacted(folder)} does not exist"
    near = [os.path.join(folder, n) for n in difflib.get_close_matches(name, beside)]
    hint = f"did you mean {' or '.join(near)}?" if near else f"give {SOURCE_FORMS}"
    return f"{shown}: no such file; {hint}"
