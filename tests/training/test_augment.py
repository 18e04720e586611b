from __future__ import annotations

import numpy as np
import pytest
import torch

from rtsdb.classes import VOID
from rtsdb.data.scenes import Scene
from rtsdb.training.augment import AugmentConfig, Batch, class_weights, draw_batch

CROP = AugmentConfig(crop=64)


def flat(level: int = 128, size: int = 128) -> Scene:
    return Scene(
        "flat", np.full((size, size, 3), level, np.uint8), np.zeros((size, size), np.uint8)
    )


def equal(one: Batch, other: Batch) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_batch_has_the_shapes_and_types_promised(scene: Scene) -> None:
    clean, noisy, noise, labels = draw_batch([scene], CROP, size=3, seed=0, step=0)
    assert clean.shape == noisy.shape == (3, 3, 64, 64)
    assert clean.dtype == noisy.dtype == noise.dtype == torch.float32
    assert noise.shape == (3, 2)
    assert (labels.shape, labels.dtype) == ((3, 64, 64), torch.int64)
    assert clean.min() >= 0
    assert clean.max() <= 1


def test_a_step_s_batch_is_the_same_whatever_came_before(scene: Scene) -> None:
    first = draw_batch([scene, flat()], CROP, size=2, seed=3, step=5)
    draw_batch([scene, flat()], CROP, size=4, seed=9, step=6)
    np.random.default_rng(0).random()
    assert equal(first, draw_batch([scene, flat()], CROP, size=2, seed=3, step=5))


@pytest.mark.parametrize(("seed", "step"), [(3, 6), (4, 5)])
def test_batches_of_other_steps_and_seeds_differ(scene: Scene, seed: int, step: int) -> None:
    first = draw_batch([scene], CROP, size=2, seed=3, step=5)
    other = draw_batch([scene], CROP, size=2, seed=seed, step=step)
    for a, b in zip(first, other, strict=True):
        assert not torch.equal(a, b)


def test_all_scenes_take_part(scene: Scene) -> None:
    levels = {0, 1, 2}
    scenes = [Scene("", flat().image, np.full((128, 128), level, np.uint8)) for level in levels]
    labels = draw_batch(scenes, CROP, size=32, seed=0, step=0).labels
    assert set(labels.unique().tolist()) == levels


def test_8bit_noise_is_whole_grey_levels_in_0_to_255() -> None:
    config = AugmentConfig(crop=64, float_share=0.0)
    noisy = 255 * draw_batch([flat(30), flat(230)], config, size=16, seed=0, step=0).noisy
    assert (noisy - noisy.round()).abs().max() < 1e-3
    assert noisy.min() == 0
    assert noisy.max() == 255


def test_float_noise_is_neither_rounded_nor_clipped() -> None:
    config = AugmentConfig(crop=64, float_share=1.0)
    noisy = 255 * draw_batch([flat(30), flat(230)], config, size=16, seed=0, step=0).noisy
    assert (noisy - noisy.round()).abs().mean() > 0.2
    assert noisy.min() < -1
    assert noisy.max() > 256


def test_both_kinds_come_in_their_shares() -> None:
    noisy = 255 * draw_batch([flat()], CROP, size=200, seed=0, step=0).noisy
    whole = (noisy - noisy.round()).abs().amax(dim=(1, 2, 3)) < 1e-3
    assert 0.65 < whole.float().mean() < 0.85


@pytest.mark.parametrize(("shot_share", "level"), [(0.0, 128), (1.0, 60), (1.0, 200)])
def test_noise_has_the_level_that_the_net_is_told(shot_share: float, level: int) -> None:
    """Sample deviation of 4096 values: 1.1 % off one time in three, so 6 % never by chance."""
    config = AugmentConfig(crop=64, float_share=1.0, shot_share=shot_share)
    clean, noisy, noise, _ = draw_batch([flat(level)], config, size=16, seed=1, step=0)
    a, b = noise[:, :1], noise[:, 1:]
    assert (a > 0).all() if shot_share else not a.any()
    seen = 255 * clean.mean(dim=(2, 3))
    wanted = torch.sqrt(a * seen + b)
    measured = 255 * (noisy - clean).std(dim=(2, 3))
    torch.testing.assert_close(measured, wanted, rtol=0.06, atol=0.01)
    off = 255 * (noisy - clean).mean(dim=(2, 3)).abs() / wanted
    assert off.max() < 5 / 64


def test_noise_levels_at_mid_grey_are_uniform_up_to_the_largest() -> None:
    config = AugmentConfig(crop=32, sigma_max=40.0, shot_share=0.5)
    noise = draw_batch([flat()], config, size=400, seed=0, step=0).noise
    sigma = torch.sqrt(128 * noise[:, 0] + noise[:, 1])
    quartiles = torch.quantile(sigma, torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0]))
    torch.testing.assert_close(
        quartiles, torch.tensor([0.0, 10.0, 20.0, 30.0, 40.0]), atol=3.0, rtol=0.0
    )


def test_pictures_and_labels_are_mirrored_together() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 11, (64, 64), dtype=np.uint8)
    scene = Scene("", np.repeat(20 * (labels[..., None] + 1), 3, 2), labels)
    still = AugmentConfig(crop=64, scales=(1.0, 1.0), gains=(1.0, 1.0))
    batch = draw_batch([scene], still, size=24, seed=0, step=0)
    seen = set()
    for clean, found in zip(batch.clean, batch.labels, strict=True):
        mirrored = not np.array_equal(found, labels)
        wanted = labels[:, ::-1] if mirrored else labels
        assert np.array_equal(found, wanted)
        assert np.corrcoef(clean[0].ravel(), wanted.ravel())[0, 1] > 0.99
        seen.add(mirrored)
    assert seen == {False, True}


def test_labels_follow_the_picture_through_zoom_and_flip(scene: Scene) -> None:
    """Away from the patches' edges, a label has one colour, and a higher label a lighter one."""
    batch = draw_batch([scene], CROP, size=24, seed=0, step=0)
    for clean, labels in zip(255 * batch.clean[:, 1], batch.labels, strict=True):
        there = labels.unique()
        colours = torch.stack([clean[labels == label].median() for label in there])
        assert (colours.diff() >= 0).all()
        off = (clean - colours[torch.searchsorted(there, labels)]).abs()
        assert (off <= 2).float().mean() > 0.75


def test_scenes_smaller_than_the_crop_are_enlarged() -> None:
    small = Scene("", np.full((40, 100, 3), 90, np.uint8), np.full((40, 100), 4, np.uint8))
    batch = draw_batch([small], AugmentConfig(crop=96), size=4, seed=0, step=0)
    assert batch.clean.shape == (4, 3, 96, 96)
    assert (batch.labels == 4).all()


def test_exposure_varies(scene: Scene) -> None:
    means = draw_batch([flat()], CROP, size=64, seed=0, step=0).clean.mean(dim=(1, 2, 3))
    assert means.min() < 0.35
    assert means.max() > 0.5


def weighted(counts: dict[int, int], classes: int = 3) -> torch.Tensor:
    ids = np.concatenate([np.full(n, label, np.uint8) for label, n in counts.items()])
    return class_weights([Scene("", np.zeros((1, len(ids), 3), np.uint8), ids[None])], classes)


def test_class_weights_fall_with_the_root_of_the_share_and_average_to_one() -> None:
    weights = weighted({0: 100, 1: 400, 2: 2500})
    assert weights[0] / weights[1] == pytest.approx(2.0)
    assert weights[0] / weights[2] == pytest.approx(5.0)
    assert (weights * torch.tensor([100, 400, 2500]) / 3000).sum() == pytest.approx(1.0)


def test_void_has_no_say_in_class_weights() -> None:
    assert torch.equal(weighted({0: 10, 1: 20, 2: 30}), weighted({0: 10, 1: 20, 2: 30, VOID: 500}))


def test_classes_that_do_not_occur_have_finite_weights() -> None:
    weights = weighted({0: 10, 1: 20})
    assert torch.isfinite(weights).all()
    assert weights[2] > weights[0] > weights[1]
    assert torch.isfinite(weighted({VOID: 9})).all()
