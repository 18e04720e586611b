"""Engines of the shipped model, opened once, and frames for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from rtsdb.engine import load_engine
from rtsdb.engine.base import Engine

Draw = Callable[..., NDArray[np.uint8]]


@pytest.fixture(scope="session")
def draw() -> Draw:
    def smooth_with_noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
        rng = np.random.default_rng(seed)
        coarse = rng.uniform(0, 255, (height // 16 + 2, width // 16 + 2, 3))
        smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        noisy = smooth + 25 * rng.standard_normal(smooth.shape)
        return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)

    return smooth_with_noise


@pytest.fixture(scope="module", params=["openvino", "onnxruntime", "torch"])
def opened(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """K=1 in float32 with two slots."""
    if request.param == "torch":
        pytest.importorskip("torch").set_num_threads(1)
    with load_engine("rt", stages=1, engine=request.param, precision="fp32") as engine:
        yield engine


@pytest.fixture
def engine(opened: Engine) -> Iterator[Engine]:
    """An engine with all slots free, whatever became of the test before."""
    yield opened
    for ticket in range(opened.slots):
        opened.release(ticket)
