from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from rtsdb.classes import CITYSCAPES, VOID
from rtsdb.data.cityscapes import load_cityscapes
from rtsdb.errors import UsageError


def put(
    root: Path, city: str, number: int, kind: str = "labelIds", labels: int | NDArray[np.uint8] = 7
) -> NDArray[np.uint8]:
    """Store a random frame, 4x6, with its labels; returns the frame as RGB."""
    name = f"{city}_{number:06}_000019"
    frame = np.random.default_rng(number).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    ids = np.full((4, 6), labels, np.uint8) if isinstance(labels, int) else labels
    for path, picture in (
        (root / "leftImg8bit" / "train" / city / f"{name}_leftImg8bit.png", frame[:, :, ::-1]),
        (root / "gtFine" / "train" / city / f"{name}_gtFine_{kind}.png", ids),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), picture)
    return frame


def refused(root: Path, split: str = "train") -> str:
    with pytest.raises(UsageError) as caught:
        load_cityscapes(root, split)
    return str(caught.value)


def test_frames_of_all_cities_come_sorted(tmp_path: Path) -> None:
    frames = [put(tmp_path, "ulm", 3), put(tmp_path, "aachen", 2), put(tmp_path, "aachen", 1)]
    scenes = load_cityscapes(tmp_path, "train")
    names = ["aachen_000001_000019", "aachen_000002_000019", "ulm_000003_000019"]
    assert [scene.name for scene in scenes] == names
    for scene, frame in zip(scenes, reversed(frames), strict=True):
        assert np.array_equal(scene.image, frame)


@pytest.mark.parametrize(
    ("label", "name"),
    [(7, "road"), (8, "sidewalk"), (11, "building"), (17, "pole"), (23, "sky"), (33, "bicycle")],
)
def test_the_archives_ids_become_classes(tmp_path: Path, label: int, name: str) -> None:
    put(tmp_path, "ulm", 0, labels=label)
    labels = load_cityscapes(tmp_path, "train")[0].labels
    assert (labels == CITYSCAPES.names.index(name)).all()


def test_ids_that_are_not_evaluated_are_void(tmp_path: Path) -> None:
    labels = np.array([0, 3, 6, 9, 10, 14, 15, 16, 18, 29, 30, 255], np.uint8).repeat(2)
    put(tmp_path, "ulm", 0, labels=labels.reshape(4, 6))
    assert (load_cityscapes(tmp_path, "train")[0].labels == VOID).all()


def test_train_ids_are_taken_where_they_are(tmp_path: Path) -> None:
    put(tmp_path, "ulm", 0, "labelIds", 7)
    put(tmp_path, "ulm", 0, "labelTrainIds", np.array([[0, 7, 9, 17, 18, 255]] * 4, np.uint8))
    labels = load_cityscapes(tmp_path, "train")[0].labels
    assert labels[0].tolist() == [0, 7, 9, 17, 18, VOID]


@pytest.mark.parametrize(("kind", "label"), [("labelTrainIds", 19), ("labelIds", 34)])
def test_other_ids_are_refused(tmp_path: Path, kind: str, label: int) -> None:
    put(tmp_path, "ulm", 0, kind, label)
    with pytest.raises(UsageError, match=f"{kind}.png: labels with ids out of range: {label};"):
        load_cityscapes(tmp_path, "train")[0]


@pytest.mark.parametrize("root", ["", "none", "leftImg8bit"])
def test_a_root_of_another_layout_is_refused_with_the_layout(tmp_path: Path, root: str) -> None:
    put(tmp_path, "ulm", 0)
    message = refused(tmp_path / root, "train" if root else "val")
    assert str(tmp_path / root) in message
    assert "leftImg8bit/{train,val,test}/CITY/*_leftImg8bit.png" in message
    assert "gtFine/{train,val,test}/CITY/*_gtFine_labelTrainIds.png" in message


def test_a_frame_without_labels_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    put(tmp_path, "ulm", 0, "color")
    message = refused(tmp_path)
    assert "gtFine/train/ulm/ulm_000000_000019_gtFine_labelIds.png: no such label map" in message
