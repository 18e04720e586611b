"""CamVid in the layout of Badrinarayanan et al. (SegNet): 11 classes, PNG frames and label maps."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from rtsdb.classes import CAMVID, VOID
from rtsdb.data.scenes import Scene
from rtsdb.errors import UsageError
from rtsdb.video.frame import Image, Labels

LAYOUT = "{train,val,test}/*.png with label maps of the same names in {train,val,test}annot/"


def load_camvid(root: Path, split: str) -> list[Scene]:
    """All frames of a split with their labels, sorted by name.

    Ids without a class (11 in the published label maps) become 255. Raises UsageError when the
    root has another layout, a label map is missing, or a picture cannot be read.
    """
    images = sorted((root / split).glob("*.png"))
    if not images:
        raise UsageError(f"{root}: no {split}/*.png in it; a CamVid root holds {LAYOUT}")
    return [_load(image, root / f"{split}annot" / image.name) for image in images]


def _load(image_path: Path, labels_path: Path) -> Scene:
    image, labels = _read(image_path, cv2.IMREAD_COLOR), _read(labels_path, cv2.IMREAD_GRAYSCALE)
    if image.shape[:2] != labels.shape[:2]:
        raise UsageError(
            f"{labels_path}: labels are {labels.shape[1]}x{labels.shape[0]}, "
            f"the frame is {image.shape[1]}x{image.shape[0]}"
        )
    labels[labels >= len(CAMVID)] = VOID
    return Scene(image_path.stem, image[:, :, ::-1].copy(), labels)


def _read(path: Path, mode: int) -> Image | Labels:
    picture = cv2.imread(str(path), mode)
    if picture is None:
        raise UsageError(f"{path}: cannot be read as a picture")
    return np.asarray(picture, dtype=np.uint8)
