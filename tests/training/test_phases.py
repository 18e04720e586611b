from __future__ import annotations

from typing import get_type_hints

import pytest

from rtsdb.cli.train import train
from rtsdb.training.phases import (
    DENOISER,
    SEGMENTER,
    Cosine,
    Learning,
    Parts,
    Phase,
    Poly,
    part_by_part,
)


@pytest.mark.parametrize(("decay", "half"), [(Cosine(), 0.5), (Poly(2.0), 0.25)])
def test_learning_rate_warms_up_and_falls(decay: Cosine | Poly, half: float) -> None:
    phase = Phase(steps=110, warmup=10, lr=0.5, decay=decay)
    rates = [phase.learning_rate(step) for step in range(111)]
    assert rates[:10] == pytest.approx([0.05 * (step + 1) for step in range(10)])
    assert rates[10] == pytest.approx(0.5)
    assert rates[60] == pytest.approx(0.5 * half)
    assert rates[110] == pytest.approx(0.0)
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_poly_ends_where_it_is_told() -> None:
    assert Poly(1.5, end=0.1).factor(1.0) == pytest.approx(0.1)


def test_parts_learn_one_after_the_other_in_a_growing_net() -> None:
    phases = part_by_part(3, 50.0)
    assert [phase.name for phase in phases] == ["S1", "D1", "S2", "D2", "S3", "D3"]
    assert [phase.stages for phase in phases] == [1, 1, 2, 2, 3, 3]
    assert [phase.parts for phase in phases] == 3 * [Parts.SEGMENTERS, Parts.DENOISERS]
    assert all(phase.alone for phase in phases)


def test_learning_rates_are_those_of_the_authors() -> None:
    """SGD from 0.03 to 0 with power 0.9; Adam from 1e-3 to 1e-4 with power 1.5."""
    few = Learning(steps=100, batch=1, height=64, width=64)
    segmenter, denoiser = part_by_part(1, 50.0, few, few)
    for phase, first, half, last in (
        (segmenter, 0.03, 0.03 * 0.5**0.9, 0.0),
        (denoiser, 1e-3, 9e-4 * 0.5**1.5 + 1e-4, 1e-4),
    ):
        rates = [phase.learning_rate(step) for step in (0, 50, 100)]
        assert rates == pytest.approx([first, half, last])


def test_noise_has_one_level_and_colours_stay() -> None:
    for phase in part_by_part(1, 30.0):
        crops = phase.augment
        assert crops.sigmas == (30.0, 30.0)
        assert (crops.float_share, crops.shot_share) == (1.0, 0.0)
        assert (crops.gains, crops.tints, crops.offsets) == ((1.0, 1.0), (1.0, 1.0), (0.0, 0.0))


def test_the_help_of_the_command_states_the_authors_steps() -> None:
    (option,) = get_type_hints(train, include_extras=True)["steps"].__metadata__
    assert f"{SEGMENTER.steps} per segmenter and {DENOISER.steps} per denoiser" in option.help
