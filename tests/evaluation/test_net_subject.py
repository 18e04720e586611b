from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rtsdb.data.noise_models import GaussianNoise
from rtsdb.data.scenes import Scene
from rtsdb.engine import load_engine
from rtsdb.evaluation.engine_subject import EngineSubject
from rtsdb.evaluation.net_subject import NetSubject
from rtsdb.models.checkpoint import load_weights
from rtsdb.noise import NoiseLevel

LEVEL = NoiseLevel.awgn(25)


@pytest.fixture
def weights(make_weights: Callable[..., Path]) -> Path:
    return make_weights()


def subject(weights: Path, stages: tuple[int, ...] = (1, 2), **options: object) -> NetSubject:
    preset = options.pop("preset", None)
    net, _ = load_weights(weights, preset=preset)
    return NetSubject(net, name="tiny", stages=stages, **options)


def test_one_pass_gives_what_an_engine_gives_for_each_number_of_blocks(
    weights: Path, scenes: list[Scene]
) -> None:
    noisy = GaussianNoise.awgn(25).apply_8bit(scenes[0].image, np.random.default_rng(0))
    outputs = subject(weights).run(noisy, LEVEL, scenes[0].labels)
    assert not np.array_equal(outputs[0].denoised, outputs[1].denoised)
    for stages, output in enumerate(outputs, start=1):
        engine = load_engine(str(weights), stages=stages, engine="torch")
        with EngineSubject(engine, name="tiny", stages=stages) as reference:
            (wanted,) = reference.run(noisy, LEVEL, scenes[0].labels)
        assert reference.stages == (stages,)
        assert reference.about == "torch fp32 on cpu"
        assert wanted.seconds is not None
        assert wanted.seconds > 0
        # Sums in another order may round to the grey level beside.
        assert output.denoised.astype(int) == pytest.approx(wanted.denoised.astype(int), abs=1)
        assert np.mean(output.denoised == wanted.denoised) > 0.99
        assert np.mean(output.labels == wanted.labels) > 0.99


def test_only_the_whole_pass_has_a_time(weights: Path, scenes: list[Scene]) -> None:
    first, second = subject(weights).run(scenes[0].image, LEVEL, scenes[0].labels)
    assert first.seconds is None
    assert second.seconds is not None
    assert second.seconds > 0


def test_one_block_alone_can_be_judged(weights: Path, scenes: list[Scene]) -> None:
    both = subject(weights).run(scenes[0].image, LEVEL, scenes[0].labels)
    (last,) = subject(weights, (2,)).run(scenes[0].image, LEVEL, scenes[0].labels)
    assert np.array_equal(last.denoised, both[1].denoised)


def test_float_frames_give_float_frames_in_0_to_255(weights: Path, scenes: list[Scene]) -> None:
    noisy = GaussianNoise.awgn(60).apply_float(scenes[0].image, np.random.default_rng(0))
    output = subject(weights, eight_bit=False).run(noisy, LEVEL, scenes[0].labels)[-1]
    assert output.denoised.dtype == np.float32
    assert output.denoised.shape == scenes[0].image.shape
    assert output.denoised.min() == 0
    assert output.denoised.max() == 255
    assert (output.denoised % 1 > 0).any()


def test_float_output_is_the_8bit_output_before_rounding(
    weights: Path, scenes: list[Scene]
) -> None:
    image = scenes[0].image
    bytes_, floats = (
        subject(weights, eight_bit=eight_bit).run(image, LEVEL, scenes[0].labels)[-1].denoised
        for eight_bit in (True, False)
    )
    assert floats == pytest.approx(bytes_.astype(float), abs=0.501)


def test_a_network_steered_by_the_truth_is_given_it(weights: Path, scenes: list[Scene]) -> None:
    truth = scenes[0].labels
    steered = subject(weights, preset="tiny-truth")
    one = steered.run(scenes[0].image, LEVEL, truth)[0].denoised
    other = steered.run(scenes[0].image, LEVEL, np.full_like(truth, 3))[0].denoised
    assert not np.array_equal(one, other)
    free = subject(weights)
    one = free.run(scenes[0].image, LEVEL, truth)[0].denoised
    other = free.run(scenes[0].image, LEVEL, np.full_like(truth, 3))[0].denoised
    assert np.array_equal(one, other)
