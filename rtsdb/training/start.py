"""Where a run can start from: the weights of other runs."""

from __future__ import annotations

from pathlib import Path

from rtsdb.classes import ClassSet
from rtsdb.errors import UsageError
from rtsdb.models.checkpoint import load_weights
from rtsdb.models.metadata import Metadata
from rtsdb.models.sdb import SDBNet


def from_weights(
    path: Path, preset: str, classes: ClassSet, stages: int
) -> tuple[SDBNet, Metadata]:
    """The net of a weights file, grown or cut to `stages` blocks, and what the file says.

    Raises UsageError when the file cannot be loaded, does not fit the preset, or tells other
    classes apart.
    """
    net, metadata = load_weights(path, preset=preset)
    if metadata.classes != classes.name:
        raise UsageError(
            f"{path}: trained on {metadata.classes}, this run is on {classes.name}; "
            "start from weights with the same classes"
        )
    return net.grow(stages), metadata


def take_segmenters(net: SDBNet, other: SDBNet) -> None:
    """Give `net` the segmenters of another net with as many blocks."""
    for block, source in zip(net.sdbs(), other.sdbs(), strict=True):
        block.segmenter = source.segmenter
