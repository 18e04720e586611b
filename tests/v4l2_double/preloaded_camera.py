"""Tests of the camera source on the double, run by test_camera.py with the double preloaded.

FFmpeg's own V4L2 input reads the double, through rtsdb's sources.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction

import cv2
import numpy as np
import pytest

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.frame import Stamp
from rtsdb.video.sources import FrameSizeChanged, SourceOptions, open_source
from rtsdb.video.sources.base import Source
from rtsdb.video.sources.reconnect import ReconnectingSource
from rtsdb.video.sources.v4l2 import colour_tags, describe_modes
from tests.pipeline.running import await_that
from tests.v4l2_double import control
from tests.v4l2_double.control import DEVICE, MJPEG_96, YUYV_64, YUYV_96
from tests.video.sources.reading import blank, read_all
from tests.video.sources.senders import wait_long

pytestmark = pytest.mark.skipif(
    "v4l2_double" not in os.environ.get("LD_PRELOAD", ""), reason="the double is not preloaded"
)


@pytest.fixture(autouse=True)
def _camera(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The camera, as it comes out of the box; and nothing of it left open."""
    monkeypatch.setattr("rtsdb.video.sources.reconnect.FIRST_DELAY", 0.05)
    wait_long(monkeypatch)
    control.choose(YUYV_64)
    control.plug(True)
    for switch in (control.stall, control.repeat, control.spoil):
        switch(False)
    control.tag(0, 0, 0)
    yield
    await_that(lambda: control.opened() == 0)  # a source leaves that to its thread


def jpeg(level: int) -> bytes:
    return cv2.imencode(".jpg", np.full((64, 96, 3), level, np.uint8))[1].tobytes()


def read(source: Source, count: int) -> list[Stamp]:
    image = blank(source)
    stamps = [source.read(image) for _ in range(count)]
    return [stamp for stamp in stamps if stamp is not None]


def once_left_out(count: int, cause: str, source: Source, action: Callable[[], None]) -> None:
    """Do something, in a thread, once so many frames were left out; or after a minute anyway."""

    def watch() -> None:
        end = time.monotonic() + 60
        while source.events.dropped[cause] < count and time.monotonic() < end:
            time.sleep(0.005)
        action()

    threading.Thread(target=watch).start()


def once_lost(source: ReconnectingSource, action: Callable[[], None]) -> None:
    """Do something 0.3 s after the source has found that it is lost, each time that it is."""
    wait, losses = source._wait, 0

    def act_later_and_wait(seconds: float) -> bool:
        nonlocal losses
        if losses == source.events.reconnects:  # the first wait of this loss
            losses += 1
            threading.Timer(0.3, action).start()
        return wait(seconds)

    source._wait = act_later_and_wait


def luma(image: np.ndarray) -> float:
    """Mean Y, in limited range, of a grey picture."""
    return float(16 + image.mean() * 219 / 255)


def test_raw_pictures_with_the_times_of_the_driver() -> None:
    with open_source("77") as source:
        info = source.info
        assert (info.name, info.live) == (DEVICE, True)
        assert (info.width, info.height, info.rate) == (64, 48, 50)
        image = blank(source)
        numbers, stamps, skipped = [], [], []
        for _ in range(20):
            before = source.events.dropped["source"]
            stamps.append(source.read(image))
            skipped.append((before, source.events.dropped["source"]))
            numbers.append(round((luma(image) - 16) / 8))
    assert stamps[0].time_base == Fraction(1, 1_000_000)
    assert abs(stamps[0].pts * 1e-6 - time.monotonic()) < 60
    (before_first, after_first), *_, (before_last, after_last) = skipped
    least, most = before_last - after_first, after_last - before_first
    assert (numbers[-1] - numbers[0] - 19 - least) % 25 <= most - least
    assert [stamp.index for stamp in stamps] == list(range(20))


def test_what_is_asked_is_set() -> None:
    options = SourceOptions(capture_size=(96, 64), capture_fps=Fraction(25), pixel_format="yuyv")
    with open_source(DEVICE, options) as source:
        assert (source.info.width, source.info.height, source.info.rate) == (96, 64, 25)
        stamps = read(source, 10)
    # Nine intervals, of which the first two may seem short where the first time is taken late.
    assert stamps[-1].seconds - stamps[0].seconds > Fraction(27, 100)


def test_mjpeg() -> None:
    control.show(jpeg(200))
    with open_source(DEVICE, SourceOptions(pixel_format="mjpeg")) as source:
        image = blank(source)
        assert source.read(image) is not None
        assert np.abs(image.astype(int) - 200).max() <= 2, "JPEG has the full range"
    assert (source.info.width, source.info.height) == (96, 64)


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        (SourceOptions(capture_size=(1280, 720)), "--capture-size 1280x720"),
        (SourceOptions(capture_fps=Fraction(60)), "--capture-fps 60"),
        (SourceOptions(capture_size=(64, 48), pixel_format="mjpeg"), "--capture-size 64x48"),
    ],
    ids=["size", "rate", "size-of-format"],
)
def test_what_the_camera_does_not_do(options: SourceOptions, wrong: str) -> None:
    control.show(jpeg(10))
    with pytest.raises(UsageError, match=rf"does not do {wrong}.*; it offers yuyv 64x48") as caught:
        open_source(DEVICE, options)
    assert str(caught.value).endswith(
        "it offers yuyv 64x48 (50, 25 fps), 96x64 (50, 25 fps); mjpeg 96x64 (50, 25 fps)"
    )


def test_a_camera_that_another_program_reads() -> None:
    with open_source(DEVICE):
        with pytest.raises(RtsdbError, match=r"device or resource busy.*another program may hold"):
            open_source(DEVICE)
        assert describe_modes(DEVICE).startswith("yuyv 64x48")


def test_unplugged_and_plugged_in_again() -> None:
    descriptors = control.open_descriptors()
    first_after: list[Stamp] = []
    with open_source(DEVICE) as source:
        stamps = read(source, 3)
        once_lost(source, lambda: control.plug(True))
        for losses in (1, 2, 3):
            control.plug(False)
            while source.events.reconnects < losses:
                stamps += read(source, 1)
            first_after.append(stamps[-1])
            stamps += read(source, 5)
        assert source.events.reconnects == 3
        assert 0.9 < source.events.lost_seconds < 60
    assert [stamp.index for stamp in stamps] == list(range(len(stamps)))
    assert stamps == sorted(stamps, key=lambda stamp: stamp.pts)
    for stamp in first_after:
        before = stamps[stamp.index - 1]
        passed = stamp.arrived - before.arrived
        assert passed > 0.25
        assert float(stamp.seconds - before.seconds) == pytest.approx(passed, abs=0.001)
    await_that(lambda: control.open_descriptors() == descriptors)


def test_another_size_after_it_came_back() -> None:
    with open_source(DEVICE) as source:
        read(source, 2)
        control.plug(False)
        control.choose(YUYV_96)
        once_lost(source, lambda: control.plug(True))
        with pytest.raises(FrameSizeChanged, match="came back with 96x64 pixels instead of 64x48"):
            read_all(source)
        assert len(read(source, 3)) == 3


def test_unplugged_for_good() -> None:
    with open_source(DEVICE, SourceOptions(reconnect=0)) as source:
        control.plug(False)
        with pytest.raises(RtsdbError, match=rf"{DEVICE}: lost \(no such device\)"):
            read_all(source)
    with pytest.raises(UsageError, match=rf"{DEVICE}: no such camera"):
        open_source(DEVICE)


def test_a_stalled_camera_is_opened_again() -> None:
    with open_source(DEVICE) as source:
        once_lost(source, lambda: control.stall(False))
        read(source, 2)
        control.stall(True)
        source._source._patience = 0.5
        assert len(read(source, 3)) == 3
        assert source.events.reconnects == 1


def test_interrupt_while_it_is_stalled() -> None:
    with open_source(DEVICE) as source:
        source._source._patience = 60.0
        read(source, 2)
        control.stall(True)
        threading.Timer(0.2, source.interrupt).start()
        begin = time.monotonic()
        assert read_all(source) is not None
        assert time.monotonic() - begin < 30


@pytest.mark.parametrize("cause", ["damaged", "repeated"])
def test_damaged_and_repeated_pictures_are_left_out(cause: str) -> None:
    switch = control.spoil if cause == "damaged" else control.repeat
    with open_source(DEVICE) as source:
        stamps = read(source, 2)
        switch(True)
        once_left_out(10, cause, source, lambda: switch(False))
        stamps += read(source, 10)
        assert source.events.dropped[cause] >= 10
    gaps = np.diff([float(stamp.seconds) for stamp in stamps])
    assert gaps.max() > 0.15
    assert source.events.reconnects == 0


def test_undecodable_pictures_are_left_out() -> None:
    control.show(jpeg(200))
    with open_source(DEVICE, SourceOptions(pixel_format="mjpeg")) as source:
        image = blank(source)
        source.read(image)
        control.show(b"\xff\xd8 no picture")
        once_left_out(5, "damaged", source, lambda: control.show(jpeg(100)))
        seen = set()
        while 100 not in seen:
            assert source.read(image) is not None
            seen.add(round(float(image.mean())))
        assert source.events.dropped["damaged"] >= 5
    assert seen <= {100, 200}


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ((0, 0, 0), (2, 0)),  # nothing said: rtsdb's own rule
        ((8, 0, 0), (6, 1)),  # sRGB: BT.601, limited
        ((3, 0, 0), (1, 1)),  # Rec. 709
        ((8, 2, 0), (1, 1)),  # its encoding said
        ((7, 0, 0), (6, 2)),  # JPEG: full
        ((8, 0, 1), (6, 2)),  # full said
        ((7, 0, 2), (6, 1)),  # limited said
        ((10, 0, 0), (9, 1)),  # BT.2020
        ((0, 0, 1), (2, 2)),  # only the range said
    ],
)
def test_colours_are_as_the_driver_says(
    tags: tuple[int, int, int], expected: tuple[int, int]
) -> None:
    control.tag(*tags)
    assert colour_tags(DEVICE) == expected


def test_full_range_pictures() -> None:
    control.tag(8, 0, 1)
    with open_source(DEVICE) as source:
        image = blank(source)
        source.read(image)
    assert (image.mean() - 16) % 8 == pytest.approx(0, abs=0.01)


def test_mode_is_the_drivers_where_nothing_is_asked() -> None:
    control.choose(YUYV_96)
    with open_source(DEVICE) as source:
        assert (source.info.width, source.info.height) == (96, 64)
    control.choose(MJPEG_96)
