"""Small networks and small labelled pictures to train on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from rtsdb.data.scenes import Scene
from rtsdb.models.presets import PRESETS
from tests.tiny import TINY, TINY_SDABN

TINY_TRUTH = replace(TINY, alternation=PRESETS["rt-truth"].alternation)


@pytest.fixture(scope="module", autouse=True)
def tiny_presets() -> Iterator[None]:
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "tiny", TINY)
        patch.setitem(PRESETS, "tiny-truth", TINY_TRUTH)
        patch.setitem(PRESETS, "tiny-sdabn", TINY_SDABN)
        yield


@pytest.fixture(scope="module")
def scene() -> Scene:
    """Patches of 24x24 pixels whose grey level says their label: 20 * (label + 1)."""
    coarse = np.random.default_rng(0).integers(0, 11, (6, 8), dtype=np.uint8)
    labels = np.repeat(np.repeat(coarse, 24, 0), 24, 1)
    return Scene("patches", np.repeat(20 * (labels[..., None] + 1), 3, 2), labels)


@pytest.fixture
def camvid(tmp_path: Path, scene: Scene) -> Path:
    """A CamVid root with two frames to train on and one to validate on, 96x96."""
    root = tmp_path / "camvid"
    for split, count in (("train", 2), ("val", 1)):
        for folder in (split, f"{split}annot"):
            (root / folder).mkdir(parents=True)
        for index in range(count):
            window = np.s_[:96, 24 * index : 24 * index + 96]
            cv2.imwrite(str(root / split / f"{index}.png"), scene.image[window])
            cv2.imwrite(str(root / f"{split}annot" / f"{index}.png"), scene.labels[window])
    return root
