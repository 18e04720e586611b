import os
import shutil
import subprocess
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.sources import SourceOptions, open_source


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """An X server without a screen to look at, of 320x200 pixels."""
    if shutil.which("Xvfb") is None:
        pytest.skip("no Xvfb (Debian package xvfb)")
    ready, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "320x200x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(ready) as lines:
            yield f":{lines.readline().strip()}"
    finally:
        server.terminate()
        server.wait()


def test_whole_screen(display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", display)
    with open_source("screen://", SourceOptions(capture_fps=Fraction(50))) as source:
        assert source.info.live
        assert (source.info.width, source.info.height, source.info.rate) == (320, 200, 50)
        image = np.full((200, 320, 3), 77, np.uint8)
        first, second = source.read(image), source.read(image)
        assert first is not None
        assert second is not None
        assert second.seconds > first.seconds
        assert np.median(image) == 0, "an empty screen is black, but for the pointer"


def test_corner_and_size(display: str) -> None:
    with open_source(f"screen://{display}+10,20", SourceOptions(capture_size=(64, 48))) as source:
        assert (source.info.width, source.info.height) == (64, 48)
    with pytest.raises(RtsdbError, match=r"cannot be captured .*is --capture-size within it"):
        open_source(f"screen://{display}", SourceOptions(capture_size=(640, 480)))


def test_no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    for text in ("screen://", "screen://+10,20"):
        with pytest.raises(UsageError, match=r"there is no X11 screen here \(DISPLAY is not set\)"):
            open_source(text)
    with pytest.raises(RtsdbError, match=r"screen://:97: the screen :97 cannot be captured"):
        open_source("screen://:97")
