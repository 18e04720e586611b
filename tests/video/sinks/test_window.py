import threading
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from rtsdb.errors import UsageError
from rtsdb.video.frame import FrameResult, SourceInfo
from rtsdb.video.sinks import window
from rtsdb.video.sinks.window import WindowSink

INFO = SourceInfo("demo", 64, 48)


class FakeScreen:
    """OpenCV's window functions, recorded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.key, self.visible, self.shown, self.size = -1, 1.0, [], (0, 0)
        monkeypatch.setattr(window, "_require_screen", lambda: None)
        monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
        monkeypatch.setattr(cv2, "resizeWindow", lambda _, w, h: setattr(self, "size", (w, h)))
        monkeypatch.setattr(cv2, "imshow", lambda _, image: self.shown.append(image.copy()))
        monkeypatch.setattr(cv2, "waitKey", lambda _: self.key)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: self.visible)
        monkeypatch.setattr(cv2, "destroyAllWindows", lambda: setattr(self, "visible", 0.0))


def test_shows_bgr_until_a_key(
    monkeypatch: pytest.MonkeyPatch, make_result: Callable[..., FrameResult]
) -> None:
    screen = FakeScreen(monkeypatch)
    with WindowSink() as sink:
        sink.open(INFO, (3200, 1000))
        assert sink.write(make_result(colour=(200, 40, 90)))
        assert screen.size == (1600, 500)
        assert np.unique(screen.shown[0].reshape(-1, 3), axis=0).tolist() == [[90, 40, 200]]
        for key in (ord("q"), 27):
            screen.key = key
            assert not sink.write(make_result())
        screen.key = ord("x")
        assert sink.write(make_result())
        screen.visible = 0.0
        assert not sink.write(make_result())
        screen.visible = 1.0
    assert screen.visible == 0.0
    sink.close()


def test_another_thread_does_not_take_the_window_down(
    monkeypatch: pytest.MonkeyPatch, make_result: Callable[..., FrameResult]
) -> None:
    screen = FakeScreen(monkeypatch)
    with WindowSink() as sink:
        sink.open(INFO, (64, 48))
        writer = threading.Thread(target=sink.write, args=(make_result(),))
        writer.start()
        writer.join()
    assert len(screen.shown) == 1
    assert screen.visible == 1.0


def test_no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(UsageError, match="window: no display"), WindowSink() as sink:
        sink.open(INFO, (64, 48))


def test_display_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":97")
    with pytest.raises(UsageError, match="display not reachable"), WindowSink() as sink:
        sink.open(INFO, (64, 48))
