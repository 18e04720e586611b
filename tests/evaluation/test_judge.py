from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rtsdb.classes import CAMVID
from rtsdb.data.scenes import Scene
from rtsdb.errors import UsageError
from rtsdb.evaluation.judge import Trial, clean_and, judge
from rtsdb.evaluation.peers.base import NoisyInput
from rtsdb.noise import NoiseLevel
from tests.evaluation.doubles import Liar, Oracle


@pytest.fixture
def trial(scenes: list[Scene]) -> Trial:
    return Trial(scenes, CAMVID, clean_and(["awgn:20", "awgn:40"]))


def test_every_block_at_every_noise_is_scored(trial: Trial) -> None:
    verdict = judge([Oracle], trial)
    assert [(s.noise, s.stages) for s in verdict.scores] == [
        (noise, stages) for noise in ("clean", "awgn:20", "awgn:40") for stages in (1, 2)
    ]
    assert all(score.frames == 3 for score in verdict.scores)
    assert all(score.miou == 100 for score in verdict.scores)
    assert verdict.about == {"oracle": "knows the truth"}
    assert not verdict.interrupted


def test_the_noise_is_what_was_asked_for_and_its_level_is_told(trial: Trial) -> None:
    oracle = Oracle()
    judge([lambda: oracle], trial)
    assert oracle.closed
    for index, scene in enumerate(trial.scenes):
        clean, weak, strong = (oracle.frames[3 * noise + index] for noise in range(3))
        assert np.array_equal(clean, scene.image)
        assert (weak.astype(float) - scene.image).std() == pytest.approx(20, rel=0.05)
        assert (strong.astype(float) - scene.image).std() == pytest.approx(40, rel=0.1)
    assert oracle.levels == [NoiseLevel.awgn(sigma) for sigma in (0, 20, 40) for _ in range(3)]


def test_two_runs_and_two_subjects_meet_the_same_noise(trial: Trial) -> None:
    one, other = Oracle(), Oracle()
    verdict = judge([lambda: one, lambda: other], trial)
    for a, b in zip(one.frames, other.frames, strict=True):
        assert np.array_equal(a, b)
    again = judge([Oracle], trial)
    assert again.scores == verdict.scores[: len(again.scores)]


def test_another_seed_gives_other_noise(trial: Trial) -> None:
    noisy, level = trial.degrade("awgn:20", 0, trial.scenes[0])
    other, same = replace(trial, seed=1).degrade("awgn:20", 0, trial.scenes[0])
    assert not np.array_equal(noisy, other)
    assert level == same


def test_blind_subjects_are_told_an_estimate(trial: Trial) -> None:
    oracle = Oracle()
    judge([lambda: oracle], replace(trial, blind=True))
    told = [level.sigma_at(128) for level in oracle.levels]
    assert told[:3] == pytest.approx([0, 0, 0], abs=2)
    assert told[3:6] == pytest.approx([20] * 3, rel=0.15)
    assert len(set(told)) > 3


def test_in_the_float_convention_noise_is_neither_rounded_nor_clipped(trial: Trial) -> None:
    noisy, level = replace(trial, eight_bit=False).degrade("awgn:40", 0, trial.scenes[0])
    assert noisy.dtype == np.float32
    assert noisy.min() < 0
    assert level == NoiseLevel.awgn(40)


def test_noise_of_cameras_has_no_float_convention(scenes: list[Scene]) -> None:
    with pytest.raises(UsageError, match="lowlight:8x"):
        Trial(scenes, CAMVID, clean_and(["lowlight:8x"]), eight_bit=False)


def test_peers_are_not_judged_on_the_clean_input(trial: Trial) -> None:
    scores = judge([NoisyInput], trial).scores
    assert [score.noise for score in scores] == ["awgn:20", "awgn:40"]
    assert scores[0].psnr > scores[1].psnr > 10
    assert scores[0].miou is None


def test_ctrl_c_leaves_the_scores_so_far(trial: Trial) -> None:
    shown: list[str] = []

    def interrupt(what: str) -> None:
        shown.append(what)
        if len(shown) == 5:
            raise KeyboardInterrupt

    oracle = Oracle()
    verdict = judge([lambda: oracle, Oracle], trial, interrupt)
    assert verdict.interrupted
    assert oracle.closed
    assert [(s.noise, s.frames) for s in verdict.scores] == [
        ("clean", 3),
        ("clean", 3),
        ("awgn:20", 2),
        ("awgn:20", 2),
    ]
    assert shown[-1] == "oracle, awgn:20"


def test_labels_outside_the_classes_name_the_frame(trial: Trial) -> None:
    with pytest.raises(UsageError, match="scene-0"):
        judge([lambda: Liar(11)], trial)


def test_metrics_are_named_by_block_and_noise(trial: Trial) -> None:
    metrics = judge([lambda: Liar(3)], trial).metrics()
    assert set(metrics) == {
        *(f"K{k}/{noise}/miou" for k in (1, 2) for noise in trial.noises),
        *(f"K{k}/awgn:{sigma}/psnr" for k in (1, 2) for sigma in (20, 40)),
    }
    assert 0 < metrics["K1/awgn:20/miou"] < 20
