import threading
from collections.abc import Callable, Iterator
from itertools import islice

import faulty_camera
import pytest
from av.video.frame import VideoFrame
from faulty_camera import SIZES, FaultyCamera

Make = Callable[[str], FaultyCamera]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Make:
    """A camera with one fault, before each picture but the first."""

    def make(fault: str) -> FaultyCamera:
        monkeypatch.setattr(faulty_camera, "FAULTS", {fault: ""})
        monkeypatch.setattr(faulty_camera, "EVERY", 0.0)
        monkeypatch.setattr(faulty_camera, "RATE", 100)
        return FaultyCamera()

    return make


def pictures(camera: FaultyCamera) -> Iterator[VideoFrame]:
    frames = camera.connect(threading.Event()).frames
    camera.opened.set()
    return frames


def test_a_loss_is_refused_once_and_comes_back_with_the_same_picture(make: Make) -> None:
    camera = make("lost")
    frames = pictures(camera)
    last = next(frames)
    with pytest.raises(OSError, match="unplugged"):
        next(frames)
    with pytest.raises(OSError, match="still unplugged"):
        pictures(camera)
    assert next(pictures(camera)).pts == last.pts
    assert camera.given == 2


def test_the_size_changes_from_one_picture_to_the_next(make: Make) -> None:
    frames = islice(pictures(make("new size")), 3)
    assert [(frame.width, frame.height) for frame in frames] == list(SIZES)


def test_repeats_are_given_with_the_same_time(make: Make) -> None:
    camera = make("repeats")
    assert [frame.pts for frame in islice(pictures(camera), 7)] == [*6 * [0], 1]
    assert camera.given == 7


def test_nothing_comes_once_it_is_over(make: Make) -> None:
    camera, stop = make("repeats"), threading.Event()
    frames = camera.connect(stop).frames
    camera.opened.set()
    next(frames)
    camera.over.set()
    stop.set()
    assert not list(frames)
