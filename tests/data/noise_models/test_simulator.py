from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from rtsdb.data.noise_models import NoiseSimulator, parse_noise_model

SPECS = ["awgn:25", "shot:2:25", "lowlight:8x", "awgn:25+jpeg:75", "awgn:25+h264:28"]


@pytest.mark.parametrize("spec", SPECS)
def test_noise_depends_on_seed_and_index_alone(spec: str) -> None:
    clean = np.random.default_rng(0).integers(60, 200, (90, 160, 3), dtype=np.uint8)

    def frame(simulator: NoiseSimulator, index: int) -> NDArray[np.uint8]:
        into = np.empty_like(clean)
        simulator.apply(clean, into, index)
        return into

    model = parse_noise_model(spec)
    forward = NoiseSimulator(model, seed=4)
    frames = [frame(forward, index) for index in range(4)]
    backward = NoiseSimulator(parse_noise_model(spec), seed=4)
    for index in (3, 1, 2, 0):
        assert (frame(backward, index) == frames[index]).all()
    for a, b in ((0, 1), (1, 2), (2, 3)):
        assert (frames[a] != frames[b]).mean() > 0.8
    assert (frame(NoiseSimulator(model, seed=5), 0) != frames[0]).mean() > 0.8


@pytest.mark.parametrize("spec", SPECS)
def test_a_frame_may_be_written_over(spec: str) -> None:
    clean = np.random.default_rng(0).integers(60, 200, (64, 80, 3), dtype=np.uint8)
    into = np.empty_like(clean)
    simulator = NoiseSimulator(parse_noise_model(spec), seed=0)
    simulator.apply(clean, into, 2)
    simulator.apply(clean, clean, 2)
    assert (clean == into).all()


@pytest.mark.parametrize("spec", SPECS)
def test_another_shape_is_refused(spec: str) -> None:
    simulator = NoiseSimulator(parse_noise_model(spec), seed=0)
    with pytest.raises(ValueError, match="out must be"):
        simulator.apply(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 10, 3), np.uint8), 0)
