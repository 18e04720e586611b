"""The drawn street: same numbers every time, honest labels, smooth motion."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from rtsdb.classes import CAMVID, VOID
from rtsdb.data.street import Street

WIDTH, HEIGHT = 224, 112
SKY, ROAD, TREE = (CAMVID.names.index(name) for name in ("sky", "road", "tree"))


@cache
def street(seed, width=WIDTH, height=HEIGHT):
    return Street(seed=seed, width=width, height=height)


def frame(seconds, seed=0, width=WIDTH, height=HEIGHT, before=77):
    image = np.full((height, width, 3), before, np.uint8)
    labels = np.full((height, width), before, np.uint8)
    street(seed, width, height).render(seconds, image, labels)
    return image, labels


def test_a_frame_depends_on_seed_and_time_alone():
    image, labels = frame(3.7)
    frame(11.0)
    again = np.empty_like(image), np.empty_like(labels)
    street.__wrapped__(0).render(3.7, *again)
    np.testing.assert_array_equal(image, again[0])
    np.testing.assert_array_equal(labels, again[1])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_class_appears_in_a_short_drive(seed):
    counts = np.zeros(256, int)
    for seconds in (0.0, 2.5, 5.0, 7.5, 10.0):
        counts += np.bincount(frame(seconds, seed)[1].ravel(), minlength=256)
    assert all(counts[: len(CAMVID)] > 0), dict(zip(CAMVID.names, counts, strict=False))
    assert counts[len(CAMVID) : VOID].sum() == 0
    assert counts[VOID] < 0.1 * counts.sum()


def test_sky_is_smooth_and_blue_at_noon():
    image, labels = frame(2.0, seed=0)
    sky = labels == SKY
    sky[1:] &= sky[:-1]
    sky[:, 1:] &= sky[:, :-1]
    steps = np.abs(np.diff(image.astype(int), axis=1)).max(axis=2)
    inside = sky[:, 1:] & sky[:, :-1]
    inside[:, :-1] &= inside[:, 1:]
    assert inside.sum() > 500
    assert np.median(steps[inside]) <= 3
    red, _, blue = image[sky].mean(axis=0)
    assert blue > red + 20


def test_labels_change_where_the_picture_does():
    image, labels = frame(2.0, seed=0)
    steps = np.abs(np.diff(image.astype(int), axis=1)).max(axis=2)
    edges = labels[:, 1:] != labels[:, :-1]

    def contrast(shift):
        return steps[np.roll(edges, shift, axis=1)].mean()

    aligned = max(contrast(shift) for shift in (-1, 0, 1))
    assert aligned == contrast(0)
    assert aligned > 1.5 * max(contrast(5), contrast(-5))


def test_trees_are_greener_or_browner_than_the_sky_behind():
    image, labels = frame(2.0, seed=0)
    tree, sky = (image[labels == label].mean(axis=0) for label in (TREE, SKY))
    assert tree[2] < tree[1]
    assert sky[2] > tree[2] + 60


def test_road_lies_ahead_and_sky_above_it():
    _, labels = frame(4.0, seed=1)
    rows = {label: np.nonzero(labels == label)[0].mean() for label in (SKY, ROAD)}
    assert rows[SKY] < HEIGHT / 2 < rows[ROAD]


def test_seeds_make_different_streets():
    one, two = frame(1.0, seed=1), frame(1.0, seed=2)
    assert np.abs(one[0].astype(int) - two[0]).mean() > 10
    assert (one[1] != two[1]).mean() > 0.1


@pytest.mark.parametrize("seconds", [0.5, 6.0])
def test_neighbouring_frames_differ_a_little(seconds):
    (one, first), (two, second) = frame(seconds), frame(seconds + 1 / 30)
    change = np.abs(one.astype(int) - two).mean()
    assert 0.3 < change < 14
    assert 0 < (first != second).mean() < 0.08


def test_nothing_near_appears_or_vanishes_at_once():
    labels = [frame(8.0 + i / 30, seed=0)[1] for i in range(8)]
    for before, after in pairwise(labels):
        for label in range(len(CAMVID)):
            change = abs(int((before == label).sum()) - int((after == label).sum()))
            assert change < 0.03 * before.size, CAMVID.names[label]


@pytest.mark.parametrize(("width", "height"), [(64, 64), (97, 75), (65, 150)])
def test_odd_sizes_are_filled_to_the_last_pixel(width, height):
    image, labels = frame(1.3, 1, width, height)
    assert set(np.unique(labels)) <= {*range(len(CAMVID)), VOID}
    assert np.unique(labels).size >= 5
    assert image.std() > 15
    assert np.array_equal(image, frame(1.3, 1, width, height, before=200)[0])


def test_the_street_goes_on_for_ever():
    _, labels = frame(3600.0)
    assert np.unique(labels).size >= 8


@pytest.mark.parametrize("shape", [(HEIGHT, WIDTH + 1, 3), (HEIGHT, WIDTH, 4)])
def test_wrong_arrays_are_refused(shape):
    with pytest.raises(ValueError, match="C-contiguous uint8"):
        street(0).render(0.0, np.empty(shape, np.uint8), np.empty(shape[:2], np.uint8))


def test_too_small_a_picture_is_refused():
    with pytest.raises(ValueError, match="64 pixels or more"):
        Street(width=63, height=64)
