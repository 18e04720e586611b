from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_jaccard_index
from torchmetrics.functional.image import (
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

from rtsdb.metrics import ConfusionMatrix, Picture, psnr, ssim

SHAPES = st.lists(st.integers(1, 12), min_size=1, max_size=3).map(tuple)


def labels(seed: int, size: int, n: int, void: bool) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, n, size, dtype=np.uint8)
    if void:
        values[rng.random(size) < 0.2] = 255
    return values


@given(SHAPES, st.integers(0, 1000))
def test_psnr_is_its_formula(shape: tuple[int, ...], seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 256, (2, *shape), dtype=np.uint8)
    mse = np.mean((a.astype(float) - b.astype(float)) ** 2)
    expected = 10 * np.log10(255**2 / mse) if mse else math.inf
    assert psnr(a, b) == pytest.approx(expected)
    assert psnr(b, a) == psnr(a, b)


def test_psnr_of_equal_and_opposite_images() -> None:
    black, white = np.zeros((2000, 2000, 3), np.uint8), np.full((2000, 2000, 3), 255, np.uint8)
    assert psnr(black, black) == math.inf
    assert psnr(black, white) == pytest.approx(0, abs=1e-9)


def test_psnr_of_a_view_is_that_of_its_copy() -> None:
    a, b = np.random.default_rng(0).integers(0, 256, (2, 20, 30, 3), dtype=np.uint8)
    assert psnr(a[:, ::-2], b[::1, ::-2]) == psnr(a[:, ::-2].copy(), b[:, ::-2].copy())


@given(SHAPES, st.integers(0, 1000))
def test_psnr_of_floats_is_that_of_the_same_bytes(shape: tuple[int, ...], seed: int) -> None:
    a, b = np.random.default_rng(seed).integers(0, 256, (2, *shape), dtype=np.uint8)
    assert psnr(a.astype(np.float32), b) == pytest.approx(psnr(a, b))


@pytest.mark.parametrize("score", [psnr, ssim])
def test_pictures_of_different_shapes_are_refused(score: Callable[..., float]) -> None:
    with pytest.raises(ValueError, match="one shape"):
        score(np.zeros((16, 16), np.uint8), np.zeros((16, 17), np.uint8))


def test_pictures_smaller_than_the_window_have_no_ssim() -> None:
    small = np.zeros((10, 40, 3), np.uint8)
    with pytest.raises(ValueError, match="at least 11x11"):
        ssim(small, small)


def pictures(seed: int, kind: type) -> tuple[Picture, Picture]:
    """A smooth picture and the same with noise."""
    rng = np.random.default_rng(seed)
    clean = cv2.resize(rng.uniform(0, 255, (5, 7, 3)), (70, 50))
    noisy = np.clip(clean + rng.uniform(1, 60) * rng.standard_normal(clean.shape), 0, 255)
    return clean.astype(kind), noisy.astype(kind)


def planes(picture: Picture) -> Tensor:
    return torch.from_numpy(picture.astype(np.float64)).permute(2, 0, 1)[None]


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("seed", range(5))
def test_psnr_and_ssim_agree_with_torchmetrics(seed: int, kind: type) -> None:
    clean, noisy = pictures(seed, kind)
    expected = peak_signal_noise_ratio(planes(noisy), planes(clean), data_range=255.0)
    assert psnr(noisy, clean) == pytest.approx(float(expected), abs=1e-6)
    whole = structural_similarity_index_measure(
        planes(noisy), planes(clean), data_range=255.0, return_full_image=True
    )
    # torchmetrics extends the picture by reflection; Wang et al. keep to whole windows.
    expected = whole[1][..., 5:-5, 5:-5].mean()
    assert ssim(noisy, clean) == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_scores_of_labels_agree_with_torchmetrics(seed: int) -> None:
    matrix = ConfusionMatrix(11)
    preds, truths = [], []
    for frame in range(3):
        preds.append(labels(seed + 10 * frame, 500, 11, False))
        truths.append(labels(seed + 10 * frame + 5, 500, 11, True))
        matrix.update(preds[-1], truths[-1])
    pred, truth = (torch.from_numpy(np.concatenate(x)).long() for x in (preds, truths))
    kinds = {"num_classes": 11, "ignore_index": 255}
    expected = multiclass_jaccard_index(pred, truth, average="none", **kinds)
    assert matrix.iou() == pytest.approx(expected.numpy(), abs=1e-6)
    assert matrix.miou() == pytest.approx(float(expected.mean()), abs=1e-6)
    expected = multiclass_accuracy(pred, truth, average="micro", **kinds)
    assert matrix.pixel_accuracy() == pytest.approx(float(expected), abs=1e-6)


@settings(max_examples=50)
@given(st.integers(0, 1000), st.integers(1, 19), st.integers(1, 300), st.booleans())
def test_scores_are_their_set_formulas(seed: int, n: int, size: int, void: bool) -> None:
    pred, truth = labels(seed, size, n, False), labels(seed + 1, size, n, void)
    matrix = ConfusionMatrix(n)
    matrix.update(pred[: size // 2], truth[: size // 2])
    matrix.update(pred[size // 2 :], truth[size // 2 :])

    counted = truth != 255
    expected = []
    for k in range(n):
        p, t = (pred == k) & counted, (truth == k) & counted
        union = (p | t).sum()
        expected.append((p & t).sum() / union if union else math.nan)
    np.testing.assert_allclose(matrix.iou(), expected)
    if counted.any():
        assert matrix.miou() == pytest.approx(np.nanmean(expected))
        accuracy = (pred == truth)[counted].mean()
        assert matrix.pixel_accuracy() == pytest.approx(accuracy)
    assert matrix.counts.sum() == counted.sum()


def test_a_class_absent_in_both_is_nan_and_left_out_of_the_mean() -> None:
    matrix = ConfusionMatrix(3)
    matrix.update(np.array([0, 0, 1], np.uint8), np.array([0, 0, 0], np.uint8))
    np.testing.assert_allclose(matrix.iou(), [2 / 3, 0, np.nan])
    assert matrix.miou() == pytest.approx(1 / 3)


def test_rows_are_the_truth() -> None:
    matrix = ConfusionMatrix(2)
    matrix.update(np.array([1, 1], np.uint8), np.array([0, 1], np.uint8))
    assert matrix.counts.tolist() == [[0, 1], [0, 1]]


def test_void_pixels_count_for_nothing_whatever_is_predicted_there() -> None:
    matrix = ConfusionMatrix(2)
    matrix.update(np.array([0, 1, 200, 255], np.uint8), np.full(4, 255, np.uint8))
    assert matrix.counts.sum() == 0
    assert math.isnan(matrix.miou())
    assert math.isnan(matrix.pixel_accuracy())


def test_labels_that_are_no_class_are_refused_and_not_counted() -> None:
    matrix = ConfusionMatrix(11)
    good, bad = np.array([3, 3], np.uint8), np.array([3, 11], np.uint8)
    with pytest.raises(ValueError, match="truth holds labels outside"):
        matrix.update(good, bad)
    with pytest.raises(ValueError, match="prediction holds labels outside"):
        matrix.update(bad, good)
    assert matrix.counts.sum() == 0


def test_maps_of_other_types_and_shapes_are_refused() -> None:
    matrix = ConfusionMatrix(11)
    with pytest.raises(ValueError, match="uint8 of one shape"):
        matrix.update(np.zeros(4, np.uint8), np.zeros(5, np.uint8))
    with pytest.raises(ValueError, match="uint8 of one shape"):
        matrix.update(np.zeros(4, np.int64), np.zeros(4, np.uint8))


@pytest.mark.parametrize("n", [0, 256])
def test_an_impossible_number_of_classes_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match="1 to 255 classes"):
        ConfusionMatrix(n)
