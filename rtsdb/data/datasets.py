"""The data sets that can be trained and measured on, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rtsdb.classes import CAMVID, CITYSCAPES, ClassSet
from rtsdb.data.camvid import load_camvid
from rtsdb.data.cityscapes import load_cityscapes
from rtsdb.data.scenes import Scene
from rtsdb.errors import UsageError
from rtsdb.names import split_names


@dataclass(frozen=True)
class Dataset:
    """The classes of a data set, and what loads a split of it from its folder."""

    classes: ClassSet
    load: Callable[[Path, str, Sequence[str]], Sequence[Scene]]


DATASETS: dict[str, Dataset] = {
    "camvid": Dataset(CAMVID, load_camvid),
    "cityscapes": Dataset(CITYSCAPES, load_cityscapes),
}


def dataset(name: str) -> Dataset:
    """The data set called `name`; raises UsageError naming those there are.

    >>> len(dataset("cityscapes").classes)
    19
    """
    try:
        return DATASETS[name]
    except KeyError:
        known = ", ".join(DATASETS)
        raise UsageError(f"--dataset {name}: no such data set; choose one of: {known}") from None


def parse_sequences(text: str | None) -> tuple[str, ...]:
    """Read --sequences, names with commas; None, all of them, is an empty tuple.

    >>> parse_sequences("0001TP, 0006R0")
    ('0001TP', '0006R0')
    """
    return () if text is None else split_names(text, "--sequences")


def load_dataset(
    name: str, root: Path, split: str, sequences: Sequence[str] = ()
) -> Sequence[Scene]:
    """The labelled frames of a split ('train', 'val' or 'test') of data set `name` at `root`.

    sequences: only the frames whose names begin with one of these. CamVid is held in memory;
    Cityscapes' frames are read whenever they are asked for. Raises UsageError for an unknown data
    set, for a sequence that is not there and, naming the layout it expected, for a wrong root.
    """
    return dataset(name).load(root, split, sequences)
