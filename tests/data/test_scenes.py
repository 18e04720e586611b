from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from rtsdb.classes import VOID
from rtsdb.data.scenes import LazyScenes, Scene, enlarge, join, read_scene
from rtsdb.errors import UsageError

CLASSES = {0: 0, 1: VOID, 2: 1}


def files(
    folder: Path, labels: np.ndarray, image: np.ndarray | None = None
) -> tuple[str, Path, Path]:
    """A picture and its label map on disk: the first three arguments of `read_scene`."""
    paths = folder / "image.png", folder / "labels.png"
    image = np.zeros((*labels.shape[:2], 3), np.uint8) if image is None else image
    for path, picture in zip(paths, (image, labels), strict=True):
        assert cv2.imwrite(str(path), picture)
    return ("a", *paths)


def refused(folder: Path, labels: np.ndarray, image: np.ndarray | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        read_scene(*files(folder, labels, image), CLASSES)
    assert str(folder / "labels.png") in str(caught.value)
    return str(caught.value)


def test_a_scene_is_rgb_with_classes_for_ids(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    labels = np.array([[0, 1, 2, 255]] * 4, np.uint8)
    scene = read_scene(*files(tmp_path, labels, image), CLASSES)
    assert scene.name == "a"
    assert np.array_equal(scene.image, image[:, :, ::-1])
    assert scene.image.flags.c_contiguous
    assert scene.labels.dtype == np.uint8
    assert scene.labels[0].tolist() == [0, VOID, 1, VOID]


def test_labels_of_another_size_are_refused(tmp_path: Path) -> None:
    message = refused(tmp_path, np.zeros((4, 5), np.uint8), np.zeros((4, 6, 3), np.uint8))
    assert "labels are 5x4, the frame is 6x4" in message


def test_ids_that_nobody_knows_are_refused_by_number(tmp_path: Path) -> None:
    labels = np.array([[0, 3, 200, 255]] * 4, np.uint8)
    message = refused(tmp_path, labels)
    assert "ids out of range: 3, 200; known are 0 to 2, and 255" in message


@pytest.mark.parametrize("labels", [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint16)])
def test_what_is_no_label_map_is_refused(tmp_path: Path, labels: np.ndarray) -> None:
    assert "one 8-bit channel" in refused(tmp_path, labels)


@pytest.mark.parametrize("which", [1, 2])
def test_a_picture_that_cannot_be_read_is_named(tmp_path: Path, which: int) -> None:
    arguments = files(tmp_path, np.zeros((4, 4), np.uint8))
    path = arguments[which]
    assert isinstance(path, Path)
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(UsageError) as caught:
        read_scene(*arguments, CLASSES)
    assert str(caught.value) == f"{path}: cannot be read as a picture"
    path.unlink()
    with pytest.raises(UsageError) as caught:
        read_scene(*arguments, CLASSES)
    assert str(caught.value) == f"{path}: no such file"


def scene(name: str) -> Scene:
    return Scene(name, np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.uint8))


def test_lazy_scenes_are_read_when_asked_for_and_not_kept() -> None:
    read: list[str] = []

    def reader(name: str) -> Scene:
        read.append(name)
        return scene(name)

    lazy = LazyScenes([lambda name=name: reader(name) for name in "abcd"])
    assert len(lazy) == 4
    later = lazy[1:3]
    assert not read
    assert [s.name for s in later] == ["b", "c"]
    assert lazy[-1].name == "d"
    assert lazy[1].name == "b"
    assert read == ["b", "c", "d", "b"]
    with pytest.raises(IndexError):
        lazy[4]


def test_joined_scenes_follow_each_other_and_stay_where_they_are() -> None:
    held = [scene("a"), scene("b")]
    unread = LazyScenes([lambda: scene("c")])
    joined = join(held, unread)
    assert [s.name for s in joined] == ["a", "b", "c"]
    assert joined[1] is held[1]


def test_enlarged_scenes_keep_picture_and_labels_in_step() -> None:
    labels = np.zeros((4, 6), np.uint8)
    labels[:, 3:] = 2
    image = np.repeat(90 * labels[:, :, None], 3, axis=2)
    name, larger, classes = enlarge([Scene("a", image, labels)], 3)[0]
    assert name == "a"
    assert larger.shape == (12, 18, 3)
    assert (classes == np.repeat(np.repeat(labels, 3, 0), 3, 1)).all()
    assert ((larger[:, :, 0] > 90) == (classes == 2)).all()
