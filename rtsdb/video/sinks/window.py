"""A window on the screen as a sink."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections import deque
from itertools import count
from pathlib import Path

import cv2
import numpy as np

from rtsdb.classes import ClassSet
from rtsdb.errors import RtsdbError, UsageError
from rtsdb.files import write_bytes
from rtsdb.video.frame import FrameResult, Image, SourceInfo
from rtsdb.video.sinks.base import Picture, Policy, Sink
from rtsdb.video.sinks.image_dir import encoded
from rtsdb.video.views import VIEWS, ViewComposer

log = logging.getLogger(__name__)

KEYS = "v: view, 1 2 3: blocks, space: pause, s: snapshot, q: quit"
"""What the keys of a window do, for a help text."""

_TITLE = f"rtsdb ({KEYS})"
_QUIT_KEYS = (ord("q"), ord("Q"), 27)  # 27: Esc
_WIDEST = 1600  # first width of the window in pixels; it can be dragged larger


class WindowSink(Sink):
    """Shows a view that it draws itself, so that a key can change it here and nowhere else.

    Keys: v takes the next of `rtsdb.video.views.VIEWS`; 1, 2 and 3 ask for as many blocks
    (`stages_wanted`); space holds the picture still, while the source goes on; s saves the
    picture as snapshot-1.png and so on in the working folder; q, Esc or closing the window
    stops the run.

    The window belongs to the thread that writes: it appears with the first frame, and `close`
    takes it down only in that thread. Elsewhere it goes with the process.
    """

    uses: frozenset[Picture] = frozenset({"noisy", "denoised", "labels"})
    policy: Policy = "drop"

    def __init__(self, view: str, classes: ClassSet) -> None:
        """view: the first to show, one of VIEWS."""
        self._view = view
        self._classes = classes
        self._fits = False  # the window has the view's shape
        self._shown: Image | None = None
        self._paused = False
        self._asked: deque[int] = deque(maxlen=1)
        self._thread: threading.Thread | None = None

    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        """Raise UsageError without a screen, or for an unknown view."""
        self._compose(self._view, (source.width, source.height))
        _require_screen()

    def write(self, result: FrameResult) -> bool:
        """Show a frame without waiting; False when the person asked to stop."""
        if not self._paused:
            self._show(result)
        return self._obey_key()

    def idle(self) -> bool:
        """Read the keys while no frame comes; False when the person asked to stop."""
        return self._thread is None or self._obey_key()

    def stages_wanted(self) -> int | None:
        """The number among 1, 2 and 3 that was pressed last, once."""
        try:
            return self._asked.pop()
        except IndexError:
            return None

    def close(self) -> None:
        """Take the window down, from the thread that made it."""
        if self._thread is threading.current_thread():
            cv2.destroyWindow(_TITLE)
            self._thread = None

    def _show(self, result: FrameResult) -> None:
        height, width = result.denoised.shape[:2]
        if (width, height) != self._frame_size:
            self._compose(self._view, (width, height))
        if not self._fits:
            self._make_room(*self._composer.size)
        view = self._composer.compose(
            result.noisy, result.denoised, result.labels, result.stamp.index
        )
        self._shown = np.asarray(cv2.cvtColor(view, cv2.COLOR_RGB2BGR), np.uint8)
        cv2.imshow(_TITLE, self._shown)

    def _compose(self, view: str, frame_size: tuple[int, int]) -> None:
        """Show `view` from the next frame on."""
        self._composer = ViewComposer(view, frame_size, self._classes)
        self._view, self._frame_size, self._fits = view, frame_size, False

    def _make_room(self, width: int, height: int) -> None:
        """Open the window, or give it the shape of another view."""
        if self._thread is None:
            cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
            self._thread = threading.current_thread()
        scale = min(1.0, _WIDEST / width)
        cv2.resizeWindow(_TITLE, round(width * scale), round(height * scale))
        self._fits = True

    def _obey_key(self) -> bool:
        key = cv2.waitKey(1) & 0xFF
        if key == ord("v"):
            names = list(VIEWS)
            following = names[(names.index(self._view) + 1) % len(names)]
            self._compose(following, self._frame_size)
        elif key in (ord("1"), ord("2"), ord("3")):
            self._asked.append(int(chr(key)))
        elif key == ord(" "):
            self._paused = not self._paused
        elif key == ord("s") and self._shown is not None:
            _save_snapshot(self._shown)
        if not _is_open():
            self._thread = None  # nothing is left to be taken down
            return False
        return key not in _QUIT_KEYS


def _is_open() -> bool:
    """Whether the person has not closed the window.

    OpenCV with Qt raises where that was its last one. With GTK, as on a Jetson, it does not know
    of visibility (-1), and raises where it is asked for anything else of a window that is gone.
    """
    try:
        visible = cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE)
        return visible != 0 and cv2.getWindowProperty(_TITLE, cv2.WND_PROP_FULLSCREEN) >= 0
    except cv2.error:
        return False


def _save_snapshot(picture: Image) -> None:
    """Save a picture (BGR) under the first free name; a full disk does not end the run."""
    path = next(p for p in (Path(f"snapshot-{n}.png") for n in count(1)) if not p.exists())
    try:
        write_bytes(encoded(picture, ".png"), path)
    except RtsdbError as error:
        log.warning("%s", error)
    else:
        log.warning("saved %s", path)


def _require_screen() -> None:
    """Raise UsageError where OpenCV cannot open a window.

    Without a reachable display its window library ends the whole process, which no `except`
    can catch; so a second process tries first.
    """
    on_linux = sys.platform.startswith("linux")
    if on_linux and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise UsageError(
            "window: no display (DISPLAY is not set); run it on a desktop or through 'ssh -X', "
            "or write a file, such as out.mp4"
        )
    attempt = [sys.executable, "-c", "import cv2; cv2.namedWindow('rtsdb')"]
    try:
        works = subprocess.run(attempt, capture_output=True, timeout=60).returncode == 0
    except subprocess.TimeoutExpired:
        works = False
    if not works:
        raise UsageError(
            "window: OpenCV cannot open one (display not reachable, or opencv-python-headless "
            "is installed: pip install --force-reinstall opencv-python); or write out.mp4"
        )
