import gc
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from av.error import ConnectionResetError as FFmpegReset
from av.video.frame import VideoFrame

from rtsdb.errors import RtsdbError
from rtsdb.video.sources.base import FrameSizeChanged, SourceEvents
from rtsdb.video.sources.live import Connection, LiveSource


def picture(level: int, pts: int | None, size: tuple[int, int] = (64, 48)) -> VideoFrame:
    image = np.full((size[1], size[0], 3), level, np.uint8)
    frame = VideoFrame.from_ndarray(image, format="rgb24")
    frame.pts = pts
    return frame


class Camera:
    """Gives the pictures it is handed, one for every `step`, and tells when it was closed."""

    def __init__(self, *pictures: VideoFrame | BaseException) -> None:
        self.pictures = pictures
        self.go = threading.Semaphore(0)
        self.taken = threading.Semaphore(0)
        self.closed = threading.Event()

    def connect(self, stop: threading.Event) -> Connection:
        return Connection(self._frames(stop), Fraction(1, 100), None, self.closed.set)

    def step(self, count: int = 1) -> None:
        """Give `count` more pictures, and wait until they are in the source's hands."""
        for _ in range(count):
            self.go.release()
        for _ in range(count):
            assert self.taken.acquire(timeout=60)

    def _frames(self, stop: threading.Event) -> Iterator[VideoFrame]:
        for given in self.pictures:
            while not self.go.acquire(timeout=0.05):
                if stop.is_set():
                    return
            if isinstance(given, BaseException):
                self.taken.release()
                raise given
            yield given
            self.taken.release()


def open_live(camera: Camera, patience: float = 60.0) -> LiveSource:
    camera.go.release()
    source = LiveSource(
        "cam",
        camera.connect,
        stop=threading.Event(),
        events=SourceEvents(),
        patience=patience,
    )
    assert camera.taken.acquire(timeout=60)
    return source


def test_the_newest_picture_wins_and_the_others_are_counted() -> None:
    camera = Camera(*(picture(10 * n, 4 * n) for n in range(6)))
    image = np.empty((48, 64, 3), np.uint8)
    with open_live(camera) as source:
        assert (source.info.width, source.info.height, source.info.live) == (64, 48, True)
        camera.step(3)
        stamp = source.read(image)
        assert stamp is not None
        assert (stamp.index, stamp.pts, image[0, 0, 0]) == (0, 12, 30)
        assert stamp.arrived is not None
        assert 0 <= time.perf_counter() - stamp.arrived < 60
        camera.step(1)
        stamp = source.read(image)
        assert stamp is not None
        assert (stamp.index, stamp.pts, image[0, 0, 0]) == (1, 16, 40)
        assert source.events.dropped == {"source": 3}
    assert camera.closed.wait(60)


def test_a_picture_sent_twice_is_left_out_but_a_still_scene_is_not() -> None:
    camera = Camera(*(picture(50, pts) for pts in (0, 1, 1, 2)))
    image = np.empty((48, 64, 3), np.uint8)
    with open_live(camera) as source:
        stamps = [source.read(image)]
        camera.step()
        stamps.append(source.read(image))
        camera.step(2)
        stamps.append(source.read(image))
        assert source.events.dropped == {"repeated": 1}
    assert [stamp.pts for stamp in stamps if stamp] == [0, 1, 2]


def test_another_size_is_announced_and_waits() -> None:
    camera = Camera(picture(10, 0), picture(20, 4, (96, 64)))
    image, larger = np.empty((48, 64, 3), np.uint8), np.empty((64, 96, 3), np.uint8)
    with open_live(camera) as source:
        source.read(image)
        camera.step()
        with pytest.raises(FrameSizeChanged, match="cam: frame 1 is 96x64") as caught:
            source.read(image)
        assert (source.info.width, source.info.height) == (96, 64)
        assert caught.value.info is source.info
        stamp = source.read(larger)
        assert stamp is not None
        assert (stamp.index, stamp.pts, larger[0, 0, 0]) == (1, 4, 20)


def test_end_and_failure() -> None:
    image = np.empty((48, 64, 3), np.uint8)
    with open_live(Camera(picture(10, 0))) as source:
        assert source.read(image) is not None
        assert source.read(image) is None

    secret = FFmpegReset(104, "Connection reset by peer", "rtsp://user:secret@cam")
    camera = Camera(picture(10, 0), secret)
    with open_live(camera) as source:
        source.read(image)
        camera.step()
        with pytest.raises(RtsdbError, match=r"cam: lost \(connection reset by peer\)") as caught:
            source.read(image)
    error: BaseException | None = caught.value
    while error is not None:
        assert "secret" not in str(error)
        error = None if error.__suppress_context__ else error.__context__


def test_a_lost_connection_is_freed_without_the_garbage_collector() -> None:
    def frames() -> Iterator[VideoFrame]:
        yield picture(10, 0)
        raise FFmpegReset(104, "Connection reset by peer", "cam")

    def connect(_: threading.Event) -> Connection:
        return Connection(frames(), Fraction(1, 100), None, lambda: None)

    def lose() -> "weakref.ref[LiveSource]":
        image = np.empty((48, 64, 3), np.uint8)
        with (
            LiveSource("cam", connect, stop=threading.Event(), events=SourceEvents()) as source,
            suppress(RtsdbError),
        ):
            while True:
                source.read(image)
        return weakref.ref(source)

    gc.disable()
    threads = set(threading.enumerate())
    try:
        lost = lose()
        for thread in set(threading.enumerate()) - threads:
            thread.join(60)  # until then it holds the error, and that the source
        assert lost() is None
    finally:
        gc.enable()


def test_a_stall_is_a_loss() -> None:
    image = np.empty((48, 64, 3), np.uint8)
    with open_live(Camera(picture(10, 0), picture(20, 1)), patience=0.2) as source:
        source.read(image)
        with pytest.raises(RtsdbError, match=r"cam: lost \(no picture for"):
            source.read(image)


def test_interrupt_ends_a_read_that_waits() -> None:
    image = np.empty((48, 64, 3), np.uint8)
    with open_live(Camera(picture(10, 0), picture(20, 1)), patience=60) as source:
        source.read(image)
        threading.Timer(0.1, source.interrupt).start()
        assert source.read(image) is None
        assert source.read(image) is None


@pytest.mark.parametrize("where", ["connecting", "between pictures"])
def test_a_driver_that_never_answers_is_left_behind(where: str) -> None:
    hang = threading.Event()

    def frames() -> Iterator[VideoFrame]:
        yield picture(10, 0)
        hang.wait(60)

    def connect(_: threading.Event) -> Connection:
        if where == "connecting":
            hang.wait(60)
        return Connection(frames(), Fraction(1, 100), None, lambda: None)

    stop = threading.Event()
    later = threading.Timer(0.2, stop.set)
    image = np.empty((48, 64, 3), np.uint8)
    try:
        if where == "connecting":
            later.start()
            with pytest.raises(RtsdbError, match="before its first picture"):
                LiveSource("cam", connect, stop=stop, events=SourceEvents())
        else:
            with LiveSource("cam", connect, stop=stop, events=SourceEvents()) as source:
                assert source.read(image) is not None
                later.start()
                assert source.read(image) is None
    finally:
        hang.set()


def test_pictures_without_times_get_those_of_arrival() -> None:
    camera = Camera(*(picture(10 * n, None) for n in range(3)))
    image = np.empty((48, 64, 3), np.uint8)
    stamps = []
    with open_live(camera) as source:
        for number in range(3):
            if number:
                time.sleep(0.03)
                camera.step()
            stamps.append(source.read(image))
    for before, after in pairwise(stamps):
        assert after.pts - before.pts == pytest.approx(
            (after.arrived - before.arrived) * 100, abs=1
        )
