from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtsdb.bench.frames import (
    HELD,
    SIGMA,
    FileSource,
    MemorySource,
    cut_and_scale,
    draw_frames,
    find_size,
    load_footage,
)
from rtsdb.errors import UsageError
from rtsdb.noise import estimate_noise
from rtsdb.video.frame import Image
from rtsdb.video.sources.base import Source

Clip = Callable[..., Path]


def read(source: Source) -> Image | None:
    into = np.zeros((source.info.height, source.info.width, 3), np.uint8)
    return None if source.read(into) is None else into


def test_drawn_frames_are_noisy_and_differ() -> None:
    first, second = draw_frames(192, 128, count=2)
    assert first.shape == (128, 192, 3)
    assert not np.array_equal(first, second)
    assert 0.5 * SIGMA < estimate_noise(first).sigma_at(128) < 1.5 * SIGMA


def test_the_demo_is_copied_from_memory_without_end() -> None:
    footage = load_footage("demo", (96, 64))
    with footage.open() as source:
        frames = [read(source) for _ in range(HELD + 1)]
    assert len(footage.held) == HELD
    for frame, held in zip(frames, [*footage.held, footage.held[0]], strict=True):
        assert frame is not None
        assert np.array_equal(frame, held)


def test_an_interrupted_source_ends() -> None:
    source = MemorySource([np.zeros((64, 96, 3), np.uint8)])
    assert read(source) is not None
    source.interrupt()
    assert read(source) is None


def test_a_video_is_decoded_again_and_again(make_clip: Clip) -> None:
    path = make_clip(size=(96, 64), pts=range(3))
    with FileSource(str(path), (96, 64)) as source:
        levels = []
        for index in range(7):
            image = np.empty((64, 96, 3), np.uint8)
            stamp = source.read(image)
            assert stamp is not None
            assert stamp.index == index
            levels.append(image.mean())
        assert levels[:3] == sorted(levels[:3])
        assert levels[3:6] == pytest.approx(levels[:3])
        source.interrupt()
        assert read(source) is None


def test_a_video_of_another_size_is_cut_and_scaled(make_clip: Clip) -> None:
    path = make_clip(size=(128, 96))
    footage = load_footage(str(path), (192, 96))
    with footage.open() as source:
        assert (source.info.width, source.info.height) == (192, 96)
        frame = read(source)
    assert frame is not None
    assert np.array_equal(frame, footage.held[0])


@pytest.mark.parametrize("size", [(64, 64), (320, 64), (64, 200), (96, 72)])
def test_the_middle_stays_the_middle(size: tuple[int, int]) -> None:
    image = np.zeros((72, 96, 3), np.uint8)
    cv2.circle(image, (48, 36), 8, (255, 255, 255), -1)
    found = cut_and_scale(image, size)
    assert found.shape == (size[1], size[0], 3)
    rows, columns = np.nonzero(found[:, :, 0] > 127)
    pixel = max(size[0] / 96, size[1] / 72)  # of the image, in pixels of what was found
    assert rows.mean() == pytest.approx((size[1] - 1) / 2, abs=1.5 * pixel)
    assert columns.mean() == pytest.approx((size[0] - 1) / 2, abs=1.5 * pixel)


def test_a_source_has_a_size_of_its_own(make_clip: Clip) -> None:
    assert find_size(str(make_clip(size=(96, 64)))) == (96, 64)
    assert find_size("demo") == (2048, 1024)


@pytest.mark.parametrize("source", ["-", "nowhere.mp4"])
def test_what_cannot_be_read_again_and_again_is_refused(source: str) -> None:
    with pytest.raises(UsageError, match=source):
        find_size(source)
