from collections.abc import Callable

import numpy as np
import pytest

from rtsdb.classes import CAMVID
from rtsdb.errors import UsageError
from rtsdb.video.views import VIEWS, ViewComposer

SIZES = [(64, 64), (65, 67), (96, 54), (960, 540), (2048, 1024)]


@pytest.fixture
def frame() -> Callable[[tuple[int, int]], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    def make(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        width, height = size
        noisy = np.full((height, width, 3), 50, np.uint8)
        denoised = np.full((height, width, 3), 150, np.uint8)
        labels = np.full((height, width), CAMVID.names.index("road"), np.uint8)
        return noisy, denoised, labels

    return make


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", VIEWS)
def test_view_has_its_size_in_own_and_given_buffers(
    name: str, size: tuple[int, int], frame: Callable[..., tuple[np.ndarray, ...]]
) -> None:
    composer = ViewComposer(name, size, CAMVID)
    width, height = composer.size
    view = composer.compose(*frame(size), index=7)
    assert (view.shape, view.dtype) == ((height, width, 3), np.uint8)
    canvas = np.zeros((height, width + 10, 3), np.uint8)
    into = canvas[:, 5:-5]
    assert composer.compose(*frame(size), index=7, into=into) is into
    assert np.array_equal(into, view)
    assert not canvas[:, :5].any()


@pytest.mark.parametrize("size", SIZES)
def test_side_by_side_is_even_and_at_most_3840_wide(size: tuple[int, int]) -> None:
    width, height = ViewComposer("side-by-side", size, CAMVID).size
    assert width <= min(3840, 3 * size[0])
    assert (width % 2, height % 2) == (0, 0)


def test_side_by_side_panels(frame: Callable[..., tuple[np.ndarray, ...]]) -> None:
    view = ViewComposer("side-by-side", (960, 540), CAMVID).compose(*frame((960, 540)), index=0)
    assert view[300, 480].tolist() == [50] * 3
    assert view[300, 960 + 480].tolist() == [150] * 3
    assert np.allclose(view[300, 1920 + 480], (np.array((128, 64, 128)) + 150) / 2, atol=1)


@pytest.mark.parametrize("name", ["overlay", "labels", "side-by-side"])
@pytest.mark.parametrize("size", SIZES)
def test_legend_shows_every_colour_below_the_picture(name: str, size: tuple[int, int]) -> None:
    composer = ViewComposer(name, size, CAMVID)
    empty = np.zeros((size[1], size[0], 3), np.uint8)
    view = composer.compose(empty, empty, np.full(empty.shape[:2], 255, np.uint8), index=0)
    codes = view.astype(np.uint32) @ np.array([1, 256, 65536], np.uint32)
    colours = np.array(CAMVID.colours, np.uint32) @ np.array([1, 256, 65536], np.uint32)
    assert np.isin(colours, codes).all()


def test_labels_view_has_the_class_colours(frame: Callable[..., tuple[np.ndarray, ...]]) -> None:
    noisy, denoised, _ = frame((96, 54))
    labels = np.random.default_rng(0).integers(0, 11, (54, 96), np.uint8)
    view = ViewComposer("labels", (96, 54), CAMVID).compose(noisy, denoised, labels, index=0)
    assert np.array_equal(view[:54], CAMVID.palette()[labels])


def test_denoised_view_is_the_frame(frame: Callable[..., tuple[np.ndarray, ...]]) -> None:
    noisy, denoised, labels = frame((65, 67))
    view = ViewComposer("denoised", (65, 67), CAMVID).compose(noisy, denoised, labels, index=0)
    assert np.array_equal(view, denoised)


def test_wipe_moves_slowly_and_shows_both(frame: Callable[..., tuple[np.ndarray, ...]]) -> None:
    composer = ViewComposer("wipe", (960, 540), CAMVID)
    shares = []
    for index in range(250):
        row = composer.compose(*frame((960, 540)), index=index)[500, :, 0]
        assert row[0] == 50
        assert row[-1] == 150
        shares.append(float((row == 50).mean()))
    assert np.abs(np.diff(shares)).max() < 0.02
    assert max(shares) > 0.85
    assert min(shares) < 0.15


def test_unknown_view_lists_the_names() -> None:
    with pytest.raises(UsageError, match=r"sideways: no such view.*side-by-side.*wipe"):
        ViewComposer("sideways", (64, 64), CAMVID)
