"""Cityscapes (Cordts et al., CVPR 2016) as its archives unpack: fine labels, 19 classes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rtsdb.classes import CITYSCAPES, VOID
from rtsdb.data.scenes import LazyScenes, of_sequences, read_scene
from rtsdb.errors import UsageError

LAYOUT = (
    "leftImg8bit/{train,val,test}/CITY/*_leftImg8bit.png with label maps in "
    "gtFine/{train,val,test}/CITY/*_gtFine_labelTrainIds.png or *_gtFine_labelIds.png"
)

CLASS_OF_TRAIN_ID = {label: label for label in range(len(CITYSCAPES))}
"""Label maps as `createTrainIdLabelImgs.py` of cityscapesScripts writes them hold classes."""

_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)

CLASS_OF_ID = dict.fromkeys(range(34), VOID) | {label: k for k, label in enumerate(_IDS)}
"""Label maps of the archives hold ids 0..33, of which 19 are classes.

From `cityscapesscripts/helpers/labels.py` of cityscapesScripts, columns id and trainId.
"""


def load_cityscapes(root: Path, split: str, sequences: Sequence[str] = ()) -> LazyScenes:
    """All frames of a split with their fine labels, sorted by city and name.

    A frame of 2048x1024 is 6 MB and a split holds up to 2975, so each is read when asked for.
    sequences: only these, such as "aachen". Raises UsageError when the root has another layout or a
    frame has no label map, and as `of_sequences` does; asking for a scene raises as `read_scene`.
    """
    images = sorted((root / "leftImg8bit" / split).glob("*/*_leftImg8bit.png"))
    if not images:
        raise UsageError(
            f"{root}: no leftImg8bit/{split}/*/*_leftImg8bit.png in it; "
            f"a Cityscapes root holds {LAYOUT}"
        )
    readers = []
    for image in of_sequences(images, sequences):
        name = image.name.removesuffix("_leftImg8bit.png")
        labels = root / "gtFine" / split / image.parent.name / f"{name}_gtFine_labelTrainIds.png"
        classes = CLASS_OF_TRAIN_ID
        if not labels.exists():
            labels = labels.with_name(f"{name}_gtFine_labelIds.png")
            classes = CLASS_OF_ID
        if not labels.exists():
            raise UsageError(f"{labels}: no such label map; a Cityscapes root holds {LAYOUT}")
        readers.append(partial(read_scene, name, image, labels, classes))
    return LazyScenes(readers)
