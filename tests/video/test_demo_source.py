"""The demo source: frames, stamps and truth of a drawn street."""

from fractions import Fraction

import numpy as np

from rtsdb.data.street import Street
from rtsdb.video.sources.demo import DemoSource

WIDTH, HEIGHT = 96, 64


def blank():
    return np.zeros((HEIGHT, WIDTH, 3), np.uint8), np.zeros((HEIGHT, WIDTH), np.uint8)


def test_info_tells_all_before_the_first_frame():
    with DemoSource(WIDTH, HEIGHT, Fraction(25), frames=3) as source:
        info = source.info
    assert (info.name, info.width, info.height) == ("demo", WIDTH, HEIGHT)
    assert (info.rate, info.frames, info.live, info.truth) == (25, 3, False, True)


def test_frames_are_those_of_the_street_and_end():
    street, rate = Street(5, WIDTH, HEIGHT), Fraction(30000, 1001)
    source = DemoSource(WIDTH, HEIGHT, rate, frames=3, seed=5)
    (image, labels), (wanted, truth) = blank(), blank()
    for index in range(3):
        stamp = source.read(image)
        assert stamp is not None
        assert (stamp.index, stamp.pts, stamp.time_base) == (index, index, 1 / rate)
        street.render(float(index / rate), wanted, truth)
        assert source.read_truth(labels)
        np.testing.assert_array_equal(image, wanted)
        np.testing.assert_array_equal(labels, truth)
    assert source.read(image) is None
    assert source.read(image) is None


def test_no_truth_before_the_first_frame():
    assert not DemoSource(WIDTH, HEIGHT).read_truth(blank()[1])


def test_frames_may_be_endless():
    source, (image, _) = DemoSource(64, 64, frames=None), blank()
    assert source.info.frames is None
    assert all(source.read(image[:64, :64]) for _ in range(3))


def test_strided_arrays_get_the_same_frame_and_nothing_beside_it():
    plain, truth = blank()
    DemoSource(WIDTH, HEIGHT, seed=2).read(plain)
    wide = np.full((HEIGHT, WIDTH + 9, 4), 7, np.uint8)
    tall = np.full((2 * HEIGHT, WIDTH), 7, np.uint8)
    source = DemoSource(WIDTH, HEIGHT, seed=2)
    source.read(wide[:, 4:-5, 2::-1])
    np.testing.assert_array_equal(wide[:, 4:-5, 2::-1], plain)
    wide[:, 4:-5, :3] = 7
    assert (wide == 7).all()
    source.read_truth(tall[::2])
    source.read_truth(truth)
    np.testing.assert_array_equal(tall[::2], truth)
    assert (tall[1::2] == 7).all()
