from __future__ import annotations

import numpy as np
import pytest

from rtsdb.classes import CAMVID, VOID
from rtsdb.data.drawn import FIRST_SEED, draw_scenes
from rtsdb.data.scenes import Scene


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return draw_scenes(2, width=96, height=64)


def test_drawn_scenes_are_labelled_pictures(scenes: list[Scene]) -> None:
    for index, scene in enumerate(scenes):
        assert scene.name == f"street-{FIRST_SEED + index}"
        assert (scene.image.dtype, scene.image.shape) == (np.uint8, (64, 96, 3))
        assert (scene.labels.dtype, scene.labels.shape) == (np.uint8, (64, 96))
        ids = set(np.unique(scene.labels).tolist())
        assert ids <= {*range(len(CAMVID)), VOID}
        assert len(ids) >= 3
        assert scene.image.std() > 10


def test_drawn_scenes_are_the_same_every_time_and_differ_from_each_other(
    scenes: list[Scene],
) -> None:
    first, second = scenes
    again = draw_scenes(1, width=96, height=64)[0]
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.labels, again.labels)
    assert not np.array_equal(first.image, second.image)
