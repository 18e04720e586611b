"""Labelled pictures, whatever data set they came from: in memory, or read when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, overload

import cv2
import numpy as np

from rtsdb.classes import VOID
from rtsdb.errors import UsageError
from rtsdb.video.frame import Image, Labels


class Scene(NamedTuple):
    """A clean picture uint8 [H, W, 3] RGB, its labels uint8 [H, W] (255: none), and its name."""

    name: str
    image: Image
    labels: Labels


class LazyScenes(Sequence[Scene]):
    """Scenes that are read again every time they are asked for, and not kept.

    readers: what gives each scene. A slice reads nothing.

    >>> dark = Scene("dark", np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.uint8))
    >>> LazyScenes([lambda: dark])[0].name
    'dark'
    """

    def __init__(self, readers: Sequence[Callable[[], Scene]]) -> None:
        self._readers = readers

    @overload
    def __getitem__(self, index: int) -> Scene: ...
    @overload
    def __getitem__(self, index: slice) -> LazyScenes: ...
    def __getitem__(self, index: int | slice) -> Scene | LazyScenes:
        if isinstance(index, slice):
            return LazyScenes(self._readers[index])
        return self._readers[index]()

    def __len__(self) -> int:
        return len(self._readers)


def join(first: Sequence[Scene], second: Sequence[Scene]) -> LazyScenes:
    """The scenes of both, one after the other, each held or read as it was before."""
    scenes = [(part, index) for part in (first, second) for index in range(len(part))]
    return LazyScenes([partial(part.__getitem__, index) for part, index in scenes])


def spread(scenes: Sequence[Scene], limit: int | None) -> LazyScenes:
    """At most `limit` scenes, evenly spread over all; reads none. None: all of them.

    >>> named = [Scene(name, *2 * [np.zeros((2, 2), np.uint8)]) for name in "abcdefg"]
    >>> "".join(scene.name for scene in spread(named, 3))
    'ace'
    """
    count = len(scenes) if limit is None else min(limit, len(scenes))
    chosen = (index * len(scenes) // count for index in range(count))
    return LazyScenes([partial(scenes.__getitem__, index) for index in chosen])


def of_sequences(frames: Sequence[Path], sequences: Sequence[str]) -> list[Path]:
    """The frames whose file names begin with one of `sequences`; all of them where none is named.

    Raises UsageError for a sequence without frames.

    >>> of_sequences([Path("a_1.png"), Path("b_1.png")], ["b"])[0].name
    'b_1.png'
    """
    for sequence in sequences:
        if not any(frame.name.startswith(sequence) for frame in frames):
            raise UsageError(f"--sequences {sequence}: no frame's name begins like this")
    return [frame for frame in frames if frame.name.startswith(tuple(sequences or ("",)))]


def enlarge(scenes: Sequence[Scene], factor: int) -> LazyScenes:
    """The scenes at `factor` times their size: smoother per pixel, as large frames are."""
    return LazyScenes([partial(_enlarged, scenes, i, factor) for i in range(len(scenes))])


def _enlarged(scenes: Sequence[Scene], index: int, factor: int) -> Scene:
    name, image, labels = scenes[index]
    size = (factor * image.shape[1], factor * image.shape[0])
    larger = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
    return Scene(
        name,
        np.asarray(larger, np.uint8),
        np.asarray(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8),
    )


def read_scene(name: str, image: Path, labels: Path, classes: Mapping[int, int]) -> Scene:
    """The scene of a picture file and the label map that belongs to it.

    classes: the class, or 255 for none, of every id that the label map may hold; 255 always
    stands for none. Raises UsageError, naming the file, when one cannot be read or the label map
    does not fit: another size, more than one 8-bit channel, other ids.
    """
    picture = _read(image, cv2.IMREAD_COLOR)[:, :, ::-1].copy()
    ids = _read(labels, cv2.IMREAD_UNCHANGED)
    if ids.ndim != 2 or ids.dtype != np.uint8:
        raise UsageError(f"{labels}: not a label map, which has one 8-bit channel of ids")
    if ids.shape != picture.shape[:2]:
        raise UsageError(
            f"{labels}: labels are {ids.shape[1]}x{ids.shape[0]}, "
            f"the frame is {picture.shape[1]}x{picture.shape[0]}"
        )
    strange = set(np.flatnonzero(np.bincount(ids.ravel())).tolist()) - classes.keys() - {VOID}
    if strange:
        found = ", ".join(map(str, sorted(strange)))
        raise UsageError(
            f"{labels}: labels with ids out of range: {found}; known are {min(classes)} to "
            f"{max(classes)}, and {VOID} for none"
        )
    table = np.full(256, VOID, np.uint8)
    table[list(classes.keys())] = list(classes.values())
    return Scene(name, picture, table[ids])


def _read(path: Path, mode: int) -> Image | Labels:
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    picture = cv2.imread(str(path), mode)
    if picture is None:
        raise UsageError(f"{path}: cannot be read as a picture")
    return np.asarray(picture)
