"""Drawn street scenes as training frames: endless, clean and exactly labelled."""

from __future__ import annotations

import numpy as np

from rtsdb.data.scenes import Scene
from rtsdb.data.street import Street

FIRST_SEED = 1000
"""Training streets start here; lower seeds are for the demo, which training never sees."""


def draw_scenes(
    count: int, *, first_seed: int = FIRST_SEED, width: int = 720, height: int = 360
) -> list[Scene]:
    """One frame of each of `count` different streets, at a different moment of the drive.

    first_seed: of the first street; each further one has the next seed.

    >>> [scene.name for scene in draw_scenes(2, width=96, height=64)]
    ['street-1000', 'street-1001']
    """
    scenes = []
    for seed in range(first_seed, first_seed + count):
        image = np.empty((height, width, 3), np.uint8)
        labels = np.empty((height, width), np.uint8)
        street = Street(seed, width, height)
        street.render(float(np.random.default_rng(seed).uniform(0, 20)), image, labels)
        scenes.append(Scene(f"street-{seed}", image, labels))
    return scenes
