from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from rtsdb.classes import VOID
from rtsdb.data.camvid import load_camvid
from rtsdb.errors import UsageError

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "camvid"


def write(path: Path, picture: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)


def put(root: Path, name: str, labels: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """Store a random frame, 4x6, with its labels; returns the frame as RGB."""
    frame = np.random.default_rng(len(name)).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    write(root / "train" / f"{name}.png", frame[:, :, ::-1])
    write(
        root / "trainannot" / f"{name}.png",
        np.zeros((4, 6), np.uint8) if labels is None else labels,
    )
    return frame


def refused(root: Path, split: str = "train") -> str:
    with pytest.raises(UsageError) as caught:
        load_camvid(root, split)
    return str(caught.value)


def test_frames_come_in_rgb_sorted_by_name(tmp_path: Path) -> None:
    frames = {name: put(tmp_path, name) for name in ("b", "a10", "a2")}
    scenes = load_camvid(tmp_path, "train")
    assert [scene.name for scene in scenes] == ["a10", "a2", "b"]
    for scene in scenes:
        assert np.array_equal(scene.image, frames[scene.name])
        assert scene.image.flags.c_contiguous


def test_11_is_void(tmp_path: Path) -> None:
    labels = np.array([[0, 5, 9, 10, 11, 255]] * 4, np.uint8)
    put(tmp_path, "a", labels)
    (scene,) = load_camvid(tmp_path, "train")
    assert scene.labels[0].tolist() == [0, 5, 9, 10, VOID, VOID]


def test_other_ids_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "a", np.full((4, 6), 12, np.uint8))
    assert "a.png: labels with ids out of range: 12; known are 0 to 11" in refused(tmp_path)


def test_the_test_split_has_the_same_layout(tmp_path: Path) -> None:
    put(tmp_path, "a")
    for folder in ("train", "trainannot"):
        (tmp_path / folder).rename(tmp_path / folder.replace("train", "test"))
    assert [scene.name for scene in load_camvid(tmp_path, "test")] == ["a"]


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_root_of_another_layout_is_refused_with_the_layout(tmp_path: Path, split: str) -> None:
    write(tmp_path / "images" / "a.png", np.zeros((4, 6, 3), np.uint8))
    message = refused(tmp_path, split)
    assert str(tmp_path) in message
    assert f"{split}/*.png" in message
    assert "annot/" in message


def test_a_root_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert "annot/" in refused(tmp_path / "none")


def test_a_missing_label_map_is_named(tmp_path: Path) -> None:
    put(tmp_path, "a")
    (tmp_path / "trainannot" / "a.png").unlink()
    assert str(tmp_path / "trainannot" / "a.png") in refused(tmp_path)


def test_the_real_validation_split_is_whole() -> None:
    if not (REAL / "val").is_dir():
        pytest.skip(f"{REAL} is not on this machine")
    scenes = load_camvid(REAL, "val")
    assert len(scenes) == 101
    assert {scene.image.shape for scene in scenes} == {(360, 480, 3)}
    ids = np.unique(np.concatenate([np.unique(scene.labels) for scene in scenes]))
    assert set(ids.tolist()) == {*range(11), VOID}


def test_frames_of_some_sequences_only(tmp_path: Path) -> None:
    for name in ("0001TP_1", "0006R0_1", "0016E5_1"):
        put(tmp_path, name)
    found = [scene.name for scene in load_camvid(tmp_path, "train", ["0016E5", "0001TP"])]
    assert found == ["0001TP_1", "0016E5_1"]
    with pytest.raises(UsageError, match=r"--sequences 0007: no frame"):
        load_camvid(tmp_path, "train", ["0001TP", "0007"])
