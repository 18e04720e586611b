"""The frames that a network is calibrated with: few, cut to one size, from a data set or a source.

Every frame serves either to find ranges, with colour charts, or to check accuracy, never both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtsdb.classes import VOID, ClassSet
from rtsdb.data.datasets import load_dataset
from rtsdb.data.scenes import Scene, spread
from rtsdb.errors import UsageError
from rtsdb.evaluation.judge import CLEAN, Trial, clean_and
from rtsdb.quantization.colour_chart import draw_colour_chart
from rtsdb.tiling import MIN_SIDE, MULTIPLE
from rtsdb.video.frame import Image, Labels
from rtsdb.video.sources import open_source

FRAMES = 20
"""How many frames are taken: two of five to check, the others to find ranges."""

SIZE = (480, 352)
"""Width and height of the middle of a frame, which is used: enough to measure by, and little
enough to be quick."""

CHARTS, CHART_SIZE = 2, (160, 96)
"""How many colour charts ranges are found with beside the frames, and their width and height:
larger ones take accuracy from common colours, smaller ones clip those that are rare."""

STRIDE = 10
"""Of a source without a known end, such as a camera, every tenth frame is taken."""

RANGE_NOISES = ("awgn:10", "awgn:25", "awgn:40", "awgn:60", "lowlight:8x")
CHECK_NOISES = ("awgn:25", "awgn:50", "lowlight:8x")
"""Kinds of noise beside none, for the frames in turn, and for all of them."""


class Sample(NamedTuple):
    """A noisy frame uint8 [H, W, 3], its noise's name and level [2], and the scene it is of."""

    noisy: Image
    noise: str
    level: NDArray[np.float32]
    scene: Scene


@dataclass(frozen=True)
class Samples:
    """Noisy frames to find ranges with, colour charts among them, and to check the accuracy with.

    Those to check have one size.
    """

    ranges: list[Sample]
    check: list[Sample]


def dataset_scenes(name: str, root: Path) -> list[Scene]:
    """Frames spread over the 'train' split of a data set.

    Raises UsageError as `load_dataset` does, and for frames that are too small.
    """
    scenes = spread(load_dataset(name, root, "train"), FRAMES)
    for scene in scenes:
        _check_size(scene.name, *scene.image.shape[:2])
    return [
        Scene(scene.name, middle(scene.image, SIZE), middle(scene.labels, SIZE)) for scene in scenes
    ]


def source_scenes(source: str, label: Callable[[Image], Labels]) -> list[Scene]:
    """Frames spread over a video, camera or folder of images.

    They count as clean. label: gives the labels that stand for the truth.
    Raises UsageError and RtsdbError as sources do, and UsageError for frames that are too small.
    """
    frames: list[Image] = []
    with open_source(source) as opened:
        info = opened.info
        _check_size(info.name, info.height, info.width)
        stride = STRIDE if info.frames is None else max(info.frames / FRAMES, 1.0)
        image = np.empty((info.height, info.width, 3), np.uint8)
        for index in count():
            if len(frames) == FRAMES or opened.read(image) is None:
                break
            if index >= len(frames) * stride:
                frames.append(middle(image, SIZE))
    return [Scene(f"frame {i}", frame, label(frame)) for i, frame in enumerate(frames)]


def make_samples(scenes: Sequence[Scene], classes: ClassSet, *, labelled: bool) -> Samples:
    """Put noise on scenes.

    labelled: whether labels are the truth. Otherwise they are what the network itself finds in
    the clean frame, by which that frame cannot be judged: there it gets none.
    Raises UsageError when there are too few, or of several sizes.
    """
    check = [scene for i, scene in enumerate(scenes) if i % 5 in (1, 3)]
    ranges = [scene for i, scene in enumerate(scenes) if i % 5 not in (1, 3)]
    if not check:
        raise UsageError(f"calibration takes 2 frames or more, {FRAMES} at best; got {len(scenes)}")
    if len({scene.image.shape for scene in scenes}) > 1:
        raise UsageError("calibration takes frames of one size; these have several")
    observed = Trial([*ranges, *[_chart()] * CHARTS], classes, clean_and(RANGE_NOISES))
    checked = Trial(check, classes, clean_and(CHECK_NOISES))
    kinds = list(observed.noises)
    samples = Samples(
        [_sample(observed, kinds[i % len(kinds)], i) for i in range(len(observed.scenes))],
        [_sample(checked, noise, i) for i in range(len(check)) for noise in checked.noises],
    )
    if labelled:
        return samples
    unknown = np.full(check[0].labels.shape, VOID, np.uint8)
    return Samples(
        samples.ranges,
        [
            s._replace(scene=s.scene._replace(labels=unknown)) if s.noise == CLEAN else s
            for s in samples.check
        ],
    )


def _chart() -> Scene:
    image = draw_colour_chart(*CHART_SIZE)
    return Scene("colour chart", image, np.full(image.shape[:2], VOID, np.uint8))


def _check_size(name: str, height: int, width: int) -> None:
    if min(height, width) < MIN_SIDE:
        raise UsageError(f"{name}: {width}x{height} is smaller than {MIN_SIDE}x{MIN_SIDE}")


def _sample(trial: Trial, noise: str, index: int) -> Sample:
    scene = trial.scenes[index]
    noisy, level = trial.degrade(noise, index, scene)
    return Sample(np.asarray(noisy, np.uint8), noise, level.array(), scene)


def middle(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A copy of the middle of a picture [H, W, ...], at most `size` = (width, height).

    Its sides are multiples of `MULTIPLE`.

    >>> middle(np.zeros((360, 100, 3), np.uint8), (480, 352)).shape
    (352, 96, 3)
    """
    height, width = (
        min(side, most) // MULTIPLE * MULTIPLE
        for side, most in zip(picture.shape[:2], reversed(size), strict=True)
    )
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return np.array(picture[top : top + height, left : left + width])
