"""CamVid in the layout of Badrinarayanan et al. (SegNet): 11 classes, PNG frames and label maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rtsdb.classes import CAMVID, VOID
from rtsdb.data.scenes import Scene, of_sequences, read_scene
from rtsdb.errors import UsageError

LAYOUT = "{train,val,test}/*.png with label maps of the same names in {train,val,test}annot/"

CLASS_OF_ID = {label: label for label in range(len(CAMVID))} | {len(CAMVID): VOID}
"""The published label maps hold 0..11, and 11 is void."""


def load_camvid(root: Path, split: str, sequences: Sequence[str] = ()) -> list[Scene]:
    """All frames of a split with their labels, sorted by name, in memory.

    sequences: only these, such as "0006R0", which begins the names of its frames. Raises UsageError
    when the root has another layout, and as `of_sequences` and `read_scene` do.
    """
    images = sorted((root / split).glob("*.png"))
    if not images:
        raise UsageError(f"{root}: no {split}/*.png in it; a CamVid root holds {LAYOUT}")
    return [
        read_scene(image.stem, image, root / f"{split}annot" / image.name, CLASS_OF_ID)
        for image in of_sequences(images, sequences)
    ]
