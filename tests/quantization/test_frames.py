from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from rtsdb.classes import CAMVID, VOID
from rtsdb.data.scenes import Scene
from rtsdb.errors import UsageError
from rtsdb.quantization.frames import (
    FRAMES,
    dataset_scenes,
    make_samples,
    source_scenes,
)
from rtsdb.video.frame import Image, Labels


def by_brightness(clean: Image) -> Labels:
    return np.full(clean.shape[:2], int(clean.mean()) % 11, np.uint8)


def write_pictures(folder: Path, count: int, size: tuple[int, int] = (100, 70)) -> str:
    """Grey PNGs, each a level brighter than the one before."""
    for index in range(count):
        picture = np.full((size[1], size[0], 3), 20 + index, np.uint8)
        cv2.imwrite(str(folder / f"{index:03}.png"), picture)
    return str(folder)


def scenes(count: int, size: int = 64) -> list[Scene]:
    labels = np.zeros((size, size), np.uint8)
    return [Scene(str(i), np.full((size, size, 3), 50 + i, np.uint8), labels) for i in range(count)]


def test_frames_are_spread_over_a_source_and_cut_to_what_the_network_takes(tmp_path: Path) -> None:
    found = source_scenes(write_pictures(tmp_path, 3 * FRAMES), by_brightness)
    levels = [int(scene.image.mean()) for scene in found]
    assert levels == list(range(20, 20 + 3 * FRAMES, 3))
    assert {scene.image.shape for scene in found} == {(64, 96, 3)}
    assert all((scene.labels == by_brightness(scene.image)).all() for scene in found)


def test_large_frames_are_cut_in_the_middle(tmp_path: Path) -> None:
    found = source_scenes(write_pictures(tmp_path, 2, (640, 512)), by_brightness)
    assert {scene.image.shape for scene in found} == {(352, 480, 3)}


def test_a_data_set_gives_its_own_labels(root: Path) -> None:
    found = dataset_scenes("camvid", root)
    assert [scene.name for scene in found] == ["0", "1", "2", "3", "4"]
    assert {(s.image.shape, s.labels.shape) for s in found} == {((64, 96, 3), (64, 96))}
    assert set(np.unique([s.labels for s in found])) == {*range(11), VOID}


def test_no_frame_serves_both_to_find_ranges_and_to_check() -> None:
    samples = make_samples(scenes(FRAMES), CAMVID, labelled=True)
    ranges, check = ({s.scene.name for s in part} for part in (samples.ranges, samples.check))
    assert not ranges & check
    assert (len(ranges), len(check)) == (12 + 1, 8)
    assert "colour chart" in ranges


def test_noise_runs_from_none_to_60_and_a_camera_s() -> None:
    samples = make_samples(scenes(FRAMES), CAMVID, labelled=True)
    assert {s.noise for s in samples.ranges} >= {"clean", "awgn:10", "awgn:60", "lowlight:8x"}
    kinds = {s.noise for s in samples.check}
    assert {(s.scene.name, s.noise) for s in samples.check} == {
        (s.scene.name, noise) for s in samples.check for noise in kinds
    }
    for sample in (*samples.ranges, *samples.check):
        assert (sample.noise == "clean") == np.array_equal(sample.noisy, sample.scene.image)


def test_the_same_frames_get_the_same_noise() -> None:
    once, again = (make_samples(scenes(5), CAMVID, labelled=True) for _ in range(2))
    for one, other in zip(once.check, again.check, strict=True):
        assert np.array_equal(one.noisy, other.noisy)


def test_found_labels_do_not_judge_the_frame_they_were_found_in() -> None:
    samples = make_samples(scenes(5), CAMVID, labelled=False)
    for sample in samples.check:
        assert (sample.scene.labels == VOID).all() == (sample.noise == "clean")


def test_too_few_frames_and_frames_of_several_sizes_are_refused() -> None:
    for count in (0, 1):
        with pytest.raises(UsageError, match=f"2 frames or more.* got {count}"):
            make_samples(scenes(count), CAMVID, labelled=True)
    with pytest.raises(UsageError, match="one size"):
        make_samples([*scenes(3), *scenes(1, 96)], CAMVID, labelled=True)


def test_frames_that_are_too_small_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="40x96 is smaller than 64x64"):
        source_scenes(write_pictures(tmp_path, 3, (40, 96)), by_brightness)
