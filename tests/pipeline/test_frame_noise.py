from fractions import Fraction

import numpy as np
import pytest

from rtsdb.noise import NoiseLevel, NoiseTracker
from rtsdb.pipeline.frame_noise import FrameNoise
from rtsdb.pipeline.ring import Passage, make_passage
from rtsdb.video.frame import SourceInfo, Stamp

INFO = SourceInfo("camera", 128, 96, live=True)


@pytest.fixture
def frames() -> list[Passage]:
    """Frames whose noise grows from one to the next."""
    rng = np.random.default_rng(0)
    passages = [make_passage(INFO, simulated=False) for _ in range(4)]
    for index, passage in enumerate(passages):
        passage.frame[:] = np.clip(rng.normal(128, 8 * (index + 1), passage.frame.shape), 0, 255)
        passage.stamp = Stamp(index, index, Fraction(1, 30))
    return passages


def tracked(frames: list[Passage]) -> list[NoiseLevel]:
    tracker = NoiseTracker()
    return [tracker.update(passage.frame) for passage in frames]


def test_a_given_level_is_that_of_all_frames(frames: list[Passage]) -> None:
    noise = FrameNoise(12.0, live=True)
    for passage in frames:
        assert noise.find(passage) == NoiseLevel.awgn(12)
        noise.learn(passage)
        assert not passage.trace.seconds


def test_a_frame_of_a_file_waits_for_its_own_estimate(frames: list[Passage]) -> None:
    noise = FrameNoise(None, live=False)
    assert [noise.find(passage) for passage in frames] == tracked(frames)
    assert all("estimate" in passage.trace.seconds for passage in frames)


def test_a_live_frame_gets_the_level_of_those_before_it(frames: list[Passage]) -> None:
    noise, found = FrameNoise(None, live=True), []
    for passage in frames:
        found.append(noise.find(passage))
        noise.learn(passage)
        noise.learn(passage)
    levels = tracked(frames)
    assert found == [levels[0], *levels[:-1]]
    assert ["estimate" in passage.trace.seconds for passage in frames] == [True, *3 * [False]]
