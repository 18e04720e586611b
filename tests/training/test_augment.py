from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view

from rtsdb.classes import VOID
from rtsdb.data.scenes import LazyScenes, Scene
from rtsdb.training.augment import WEIGHED_SCENES, AugmentConfig, Batch, class_weights, draw_batch

CROP = AugmentConfig(height=64, width=64)
GAUSSIAN = replace(CROP, camera_share=0.0)
PLAIN = replace(
    CROP,
    blur_share=0.0,
    saturations=(1.0, 1.0),
    curve=0.0,
    gains=(1.0, 1.0),
    tints=(1.0, 1.0),
    offsets=(0.0, 0.0),
)


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
    config = replace(CROP, float_share=0.0)
    noisy = 255 * draw_batch([flat(30), flat(230)], config, size=16, seed=0, step=0).noisy
    assert (noisy - noisy.round()).abs().max() < 1e-3
    assert noisy.min() == 0
    assert noisy.max() == 255


def test_float_noise_is_neither_rounded_nor_clipped() -> None:
    config = replace(GAUSSIAN, float_share=1.0)
    noisy = 255 * draw_batch([flat(30), flat(230)], config, size=16, seed=0, step=0).noisy
    assert (noisy - noisy.round()).abs().mean() > 0.2
    assert noisy.min() < -1
    assert noisy.max() > 256


def test_both_kinds_come_in_their_shares() -> None:
    noisy = 255 * draw_batch([flat()], GAUSSIAN, size=200, seed=0, step=0).noisy
    whole = (noisy - noisy.round()).abs().amax(dim=(1, 2, 3)) < 1e-3
    assert 0.65 < whole.float().mean() < 0.85


@pytest.mark.parametrize(("shot_share", "level"), [(0.0, 128), (1.0, 60), (1.0, 200)])
def test_noise_has_the_level_that_the_net_is_told(shot_share: float, level: int) -> None:
    """Sample deviation of 4096 values: 1.1 % off one time in three, so 6 % never by chance."""
    config = replace(GAUSSIAN, float_share=1.0, shot_share=shot_share)
    clean, noisy, noise, _ = draw_batch([flat(level)], config, size=16, seed=1, step=0)
    a, b = noise[:, :1], noise[:, 1:]
    assert (a > 0).all() if shot_share else not a.any()
    seen = 255 * clean.mean(dim=(2, 3))
    wanted = torch.sqrt(a * seen + b)
    measured = 255 * (noisy - clean).std(dim=(2, 3))
    torch.testing.assert_close(measured, wanted, rtol=0.06, atol=0.01)
    off = 255 * (noisy - clean).mean(dim=(2, 3)).abs() / wanted
    assert off.max() < 5 / 64


def test_the_higher_a_noise_level_at_mid_grey_the_more_often_it_comes() -> None:
    config = replace(GAUSSIAN, sigmas=(0.0, 40.0), shot_share=0.5)
    noise = draw_batch([flat()], config, size=400, seed=0, step=0).noise
    sigma = torch.sqrt(128 * noise[:, 0] + noise[:, 1])
    least, middle, *upper = torch.quantile(sigma, torch.tensor([0.0, 0.25, 0.5625, 1.0])).tolist()
    assert least < 5
    assert [middle, *upper] == pytest.approx([20, 30, 40], abs=2)


def test_pictures_and_labels_are_mirrored_together() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 11, (64, 64), dtype=np.uint8)
    scene = Scene("", np.repeat(20 * (labels[..., None] + 1), 3, 2), labels)
    batch = draw_batch([scene], replace(PLAIN, scales=(1.0, 1.0)), size=24, seed=0, step=0)
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


def test_half_of_another_crop_s_classes_are_pasted_with_their_pixels() -> None:
    """Every scene has two classes of its own, left and right, each with its own grey level."""
    scenes = []
    for index in range(4):
        labels = np.full((64, 64), 2 * index, np.uint8)
        labels[:, 32:] += 1
        scenes.append(Scene("", np.repeat(20 * (labels[..., None] + 1), 3, 2), labels))
    config = replace(PLAIN, scales=(1.0, 1.0), mix_share=0.5)
    batch = draw_batch(scenes, config, size=200, seed=0, step=0)
    mixed = 0
    for clean, labels in zip(batch.clean, batch.labels, strict=True):
        assert torch.equal((255 * clean[0]).round().long(), 20 * (labels + 1))
        mixed += len((labels // 2).unique()) == 2
    # One time in four the other crop is of the same scene.
    assert 0.25 < mixed / 200 < 0.5


def test_what_nobody_labelled_is_not_pasted() -> None:
    void = Scene("", flat(90).image, np.full((128, 128), VOID, np.uint8))
    batch = draw_batch([flat(30), void], replace(PLAIN, mix_share=1.0), size=16, seed=0, step=0)
    for clean, labels in zip(batch.clean, batch.labels, strict=True):
        assert ((255 * clean[0, labels == 0] - 30).abs() < 1e-3).all()


def test_grey_stays_grey_where_channels_bleed_into_one_another(scene: Scene) -> None:
    config = replace(PLAIN, bleeding=0.3)
    grey = draw_batch([flat()], config, size=8, seed=0, step=0).clean
    assert (255 * grey - 128).abs().max() < 1e-3
    coloured = Scene("", scene.image * np.uint8([1, 0, 0]), scene.labels)
    clean = draw_batch([coloured], config, size=8, seed=0, step=0).clean
    assert clean[:, 1:].any()


def test_scenes_smaller_than_the_crop_are_enlarged() -> None:
    small = Scene("", np.full((40, 100, 3), 90, np.uint8), np.full((40, 100), 4, np.uint8))
    batch = draw_batch([small], AugmentConfig(height=96, width=96), size=4, seed=0, step=0)
    assert batch.clean.shape == (4, 3, 96, 96)
    assert (batch.labels == 4).all()


def test_crops_need_not_be_square(scene: Scene) -> None:
    """Wider than high in the frame's own proportions: neither is stretched."""
    config = replace(PLAIN, height=32, width=96, scales=(1.0, 1.0))
    batch = draw_batch([scene], config, size=4, seed=0, step=0)
    assert batch.clean.shape == (4, 3, 32, 96)
    assert batch.labels.shape == (4, 32, 96)
    assert torch.equal(255 * batch.clean[:, 0], 20.0 * (batch.labels + 1))


@pytest.mark.parametrize("frame", [(48, 200), (200, 48), (40, 100)])
def test_a_crop_that_no_frame_holds_keeps_its_proportions(frame: tuple[int, int]) -> None:
    """A frame of columns (or rows) of labels: a crop's width (height) shows in how many it has."""
    for axis in (0, 1):
        line = np.arange(frame[axis], dtype=np.uint8)
        labels = np.broadcast_to(line if axis else line[:, None], frame).copy()
        wide = Scene("", np.zeros((*frame, 3), np.uint8), labels)
        config = AugmentConfig(height=64, width=128, scales=(1.0, 1.0))
        seen = draw_batch([wide], config, size=1, seed=0, step=0).labels
        fit = min(frame[0] / 64, frame[1] / 128)
        wanted = fit * (128 if axis else 64)
        assert abs(len(seen.unique()) - wanted) <= 1


def test_plain_crops_are_pixels_of_the_frame() -> None:
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    scene = Scene("", image, np.zeros((90, 120), np.uint8))
    config = replace(CROP, plain_share=1.0)
    windows = sliding_window_view(image, (64, 64, 3)).reshape(-1, 64, 64, 3)
    for crop in draw_batch([scene], config, size=4, seed=0, step=0).clean:
        pixels = (255 * crop).round().permute(1, 2, 0).numpy()
        assert any((windows == side).all((1, 2, 3)).any() for side in (pixels, pixels[:, ::-1]))


def test_a_shrunken_label_is_that_of_its_middle() -> None:
    """Three pixels become one; pictures keep the mean of the three, so labels keep the second."""
    labels = np.broadcast_to(np.arange(192, dtype=np.uint8) % 3, (192, 192)).copy()
    scene = Scene("", np.zeros((192, 192, 3), np.uint8), labels)
    config = replace(CROP, scales=(1 / 3, 1 / 3))
    assert (draw_batch([scene], config, size=2, seed=0, step=0).labels == 1).all()


def test_one_noise_level_is_a_range_without_width() -> None:
    config = replace(GAUSSIAN, sigmas=(50.0, 50.0), shot_share=0.0)
    noise = draw_batch([flat()], config, size=3, seed=0, step=0).noise
    assert torch.equal(noise, torch.tensor([[0.0, 2500.0]] * 3))


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


def test_a_large_set_is_counted_by_evenly_spread_scenes() -> None:
    asked: list[int] = []

    def read(index: int) -> Scene:
        asked.append(index)
        return Scene("", np.zeros((1, 1, 3), np.uint8), np.full((1, 1), index % 2, np.uint8))

    scenes = LazyScenes([partial(read, index) for index in range(3 * WEIGHED_SCENES)])
    weights = class_weights(scenes, 2)
    assert asked == list(range(0, 3 * WEIGHED_SCENES, 3))
    assert torch.allclose(weights, torch.ones(2))


def test_classes_that_do_not_occur_have_finite_weights() -> None:
    weights = weighted({0: 10, 1: 20})
    assert torch.isfinite(weights).all()
    assert weights[2] > weights[0] > weights[1]
    assert torch.isfinite(weighted({VOID: 9})).all()


def test_camera_noise_is_strongest_in_the_dark_and_comes_in_its_share() -> None:
    noise = draw_batch([flat()], CROP, size=200, seed=0, step=0).noise
    assert 0.1 < (noise[:, 0] < 0).float().mean() < 0.3
    clean, noisy, noise, _ = draw_batch(
        [flat(60)], replace(CROP, camera_share=1.0), size=16, seed=1, step=0
    )
    assert (noise[:, 0] < 0).all()
    wanted = torch.sqrt(255 * noise[:, 0] * clean.mean(dim=(1, 2, 3)) + noise[:, 1])
    measured = 255 * (noisy - clean).std(dim=(1, 2, 3))
    assert 0.8 < (measured / wanted).median() < 1.2  # a line through what is none


@pytest.mark.parametrize("change", [{"blur_share": 1.0}, {"saturations": (0.0, 0.0)}])
def test_pictures_lose_detail_or_colour(change: dict[str, object]) -> None:
    image = np.random.default_rng(0).integers(60, 200, (64, 64, 3), np.uint8)
    scene = Scene("", image, np.zeros((64, 64), np.uint8))
    config = replace(PLAIN, scales=(1.0, 1.0))
    before = draw_batch([scene], config, size=4, seed=0, step=0).clean
    after = draw_batch([scene], replace(config, **change), size=4, seed=0, step=0).clean
    if "saturations" in change:
        assert after.std(dim=1).max() == 0
    else:
        assert after.std() < 0.8 * before.std()


def test_the_tone_curve_keeps_black_and_white() -> None:
    for level in (0, 255):
        batch = draw_batch([flat(level)], replace(PLAIN, curve=0.5), size=8, seed=0, step=0)
        assert (255 * batch.clean == level).all()
    bent = draw_batch([flat(128)], replace(PLAIN, curve=0.5), size=8, seed=0, step=0).clean
    assert bent.mean(dim=(1, 2, 3)).std() > 0.05
