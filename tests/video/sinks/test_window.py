import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtsdb.classes import CAMVID
from rtsdb.errors import UsageError
from rtsdb.video.frame import FrameResult, SourceInfo
from rtsdb.video.sinks import window
from rtsdb.video.sinks.window import WindowSink
from rtsdb.video.views import VIEWS, ViewComposer

INFO = SourceInfo("demo", 64, 48)
MakeResult = Callable[..., FrameResult]


class FakeScreen:
    """OpenCV's window functions, recorded; `press` is the key that is read next."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.visible, self.size = 1.0, (0, 0)
        self.shown: list[np.ndarray] = []
        self.keys: list[int] = []
        monkeypatch.setattr(window, "_require_screen", lambda: None)
        monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
        monkeypatch.setattr(cv2, "resizeWindow", lambda _, w, h: setattr(self, "size", (w, h)))
        monkeypatch.setattr(cv2, "imshow", lambda _, image: self.shown.append(image.copy()))
        monkeypatch.setattr(cv2, "waitKey", lambda _: self.keys.pop() if self.keys else -1)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: self.visible)
        monkeypatch.setattr(cv2, "destroyWindow", lambda _: setattr(self, "visible", 0.0))

    def press(self, key: str) -> None:
        self.keys.append(ord(key))


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> FakeScreen:
    return FakeScreen(monkeypatch)


@pytest.fixture
def sink(screen: FakeScreen) -> Iterator[WindowSink]:
    with WindowSink("denoised", CAMVID) as opened:
        opened.open(INFO, (64, 48))
        yield opened


def test_shows_the_view_in_bgr(
    screen: FakeScreen, sink: WindowSink, make_result: MakeResult
) -> None:
    assert sink.write(make_result(colour=(200, 40, 90)))
    assert np.unique(screen.shown[0].reshape(-1, 3), axis=0).tolist() == [[90, 40, 200]]
    assert screen.size == (64, 48)
    sink.close()
    assert screen.visible == 0.0


@pytest.mark.parametrize("key", ["q", "Q", "\x1b"])
def test_quit_with_a_key(
    screen: FakeScreen, sink: WindowSink, make_result: MakeResult, key: str
) -> None:
    screen.press("x")
    assert sink.write(make_result())
    screen.press(key)
    assert not sink.write(make_result())


def test_quit_by_closing_the_window_or_between_frames(
    screen: FakeScreen, sink: WindowSink, make_result: MakeResult
) -> None:
    assert sink.idle()
    assert sink.write(make_result())
    assert sink.idle()
    screen.press("q")
    assert not sink.idle()
    screen.visible = 0.0
    assert not sink.write(make_result())


def test_gtk_tells_nothing_of_visibility_and_raises_once_the_window_is_gone(
    screen: FakeScreen,
    sink: WindowSink,
    make_result: MakeResult,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def get_property(_: str, which: int) -> float:
        if which == cv2.WND_PROP_VISIBLE:
            return -1.0
        if not screen.visible:
            raise cv2.error("NULL window")
        return 0.0

    monkeypatch.setattr(cv2, "getWindowProperty", get_property)
    assert sink.write(make_result())
    screen.visible = 0.0
    assert not sink.idle()


def test_v_goes_through_all_views(
    screen: FakeScreen, sink: WindowSink, make_result: MakeResult
) -> None:
    result = make_result(3)
    names = list(VIEWS)
    first = names.index("denoised")
    for name in names[first:] + names[: first + 1]:
        sink.write(result)
        screen.press("v")
        sink.idle()
        composer = ViewComposer(name, (64, 48), CAMVID)
        expected = composer.compose(result.noisy, result.denoised, result.labels, 3)
        np.testing.assert_array_equal(screen.shown[-1][..., ::-1], expected)
        assert screen.size == composer.size


def test_a_size_that_changes(screen: FakeScreen, sink: WindowSink, make_result: MakeResult) -> None:
    sink.write(make_result())
    sink.write(make_result(size=(3200, 1000)))
    assert screen.shown[-1].shape == (1000, 3200, 3)
    assert screen.size == (1600, 500)


def test_numbers_ask_for_blocks(
    screen: FakeScreen, sink: WindowSink, make_result: MakeResult
) -> None:
    assert sink.stages_wanted() is None
    for key in "13":
        screen.press(key)
        sink.write(make_result())
    assert (sink.stages_wanted(), sink.stages_wanted()) == (3, None)


def test_pause_holds_the_picture_and_nothing_else(
    screen: FakeScreen, sink: WindowSink, make_result: MakeResult
) -> None:
    screen.press(" ")
    sink.write(make_result(0))
    for index in range(5):
        assert sink.write(make_result(index))
    assert len(screen.shown) == 1
    screen.press(" ")
    sink.write(make_result(6))
    sink.write(make_result(7, colour=(1, 2, 3)))
    assert len(screen.shown) == 2
    assert screen.shown[-1][0, 0].tolist() == [3, 2, 1]


def test_snapshots_get_free_names(
    screen: FakeScreen,
    sink: WindowSink,
    make_result: MakeResult,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    for colour in ((200, 40, 90), (1, 2, 3)):
        screen.press("s")
        sink.write(make_result(colour=colour))
    pictures = [cv2.imread(f"snapshot-{n}.png")[0, 0].tolist() for n in (1, 2)]
    assert pictures == [[90, 40, 200], [3, 2, 1]]
    tmp_path.joinpath("gone").mkdir()
    monkeypatch.chdir("gone")
    tmp_path.joinpath("gone").rmdir()
    screen.press("s")
    assert sink.write(make_result())
    assert "snapshot-1.png: cannot be written: No such file" in caplog.text


def test_another_thread_does_not_take_the_window_down(
    screen: FakeScreen, sink: WindowSink, make_result: MakeResult
) -> None:
    writer = threading.Thread(target=sink.write, args=(make_result(),))
    writer.start()
    writer.join()
    sink.close()
    assert len(screen.shown) == 1
    assert screen.visible == 1.0


def test_no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(UsageError, match="window: no display"):
        WindowSink("denoised", CAMVID).open(INFO, (64, 48))


def test_display_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":97")
    with pytest.raises(UsageError, match="display not reachable"):
        WindowSink("denoised", CAMVID).open(INFO, (64, 48))


def test_unknown_view() -> None:
    with pytest.raises(UsageError, match="--view sideways: no such view"):
        WindowSink("sideways", CAMVID).open(INFO, (64, 48))


VIEWER = """
import cv2
import numpy as np
from fractions import Fraction
from rtsdb.classes import CAMVID
from rtsdb.video.frame import FrameResult, SourceInfo, Stamp
from rtsdb.video.sinks import window
from rtsdb.video.sinks.window import WindowSink

frame, labels = np.full((48, 64, 3), 90, np.uint8), np.zeros((48, 64), np.uint8)
with WindowSink("side-by-side", CAMVID) as sink:
    sink.open(SourceInfo("demo", 64, 48), (64, 48))
    shown = [sink.write(FrameResult(Stamp(n, n, Fraction(1, 25)), frame, frame, labels))
             for n in range(5)]
    print(all(shown) and sink.idle())
    cv2.destroyWindow(window._TITLE)  # as the person does
    print(sink.idle())
"""


@pytest.fixture
def x_server() -> Iterator[str]:
    """The name of an X display that nobody looks at."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed (Debian: xvfb)")
    read, write = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(write)], pass_fds=[write], stderr=-3)
    os.close(write)
    with os.fdopen(read) as told:
        number = told.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait(60)


def test_a_real_window(x_server: str) -> None:
    environment = {**os.environ, "DISPLAY": x_server, "WAYLAND_DISPLAY": ""}
    viewer = subprocess.run(
        [sys.executable, "-c", VIEWER], env=environment, capture_output=True, text=True, timeout=300
    )
    assert viewer.stdout == "True\nFalse\n", viewer.stderr
