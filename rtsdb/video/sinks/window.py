"""A window on the screen as a sink."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import cv2

from rtsdb.errors import UsageError
from rtsdb.video.frame import FrameResult, SourceInfo
from rtsdb.video.sinks.base import Sink

_TITLE = "rtsdb (q: quit)"
_QUIT_KEYS = (ord("q"), ord("Q"), 27)  # 27: Esc
_WIDEST = 1600  # first width of the window in pixels; it can be dragged larger


class WindowSink(Sink):
    """Shows the view; q, Esc or closing the window stops the run.

    The window belongs to the thread that writes: it appears with the first frame, and `close`
    takes it down only in that thread. Elsewhere it goes with the process.
    """

    def __init__(self) -> None:
        self._size = (0, 0)
        self._thread: threading.Thread | None = None

    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        """Prepare for a view of (width, height) pixels; UsageError without a screen."""
        _require_screen()
        self._size = view_size

    def write(self, result: FrameResult) -> bool:
        """Show `result.view` without waiting; False when the person asked to stop."""
        if result.view is None:
            raise ValueError("a window needs the view")
        if self._thread is None:
            self._create()
        cv2.imshow(_TITLE, cv2.cvtColor(result.view, cv2.COLOR_RGB2BGR))
        key = cv2.waitKey(1) & 0xFF
        closed = cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) < 1
        return key not in _QUIT_KEYS and not closed

    def close(self) -> None:
        """Take the window down, from the thread that made it."""
        if self._thread is threading.current_thread():
            cv2.destroyAllWindows()
            self._thread = None

    def _create(self) -> None:
        width, height = self._size
        scale = min(1.0, _WIDEST / width)
        cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        cv2.resizeWindow(_TITLE, round(width * scale), round(height * scale))
        self._thread = threading.current_thread()


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
        works = subprocess.run(attempt, capture_output=True, timeout=20).returncode == 0
    except subprocess.TimeoutExpired:
        works = False
    if not works:
        raise UsageError(
            "window: OpenCV cannot open one (display not reachable, or opencv-python-headless "
            "is installed: pip install --force-reinstall opencv-python); or write out.mp4"
        )
