import numpy as np
import pytest

from rtsdb.video.sinks.fit import even, even_size, fit


def test_a_picture_of_the_size_passes_uncopied() -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    assert fit(picture, (64, 48)) is picture
    assert even(picture) is picture


@pytest.mark.parametrize("shape", [(480, 640, 3), (30, 90, 3), (500, 31, 3), (480, 640), (7, 3)])
def test_others_are_scaled_into_it_whole(shape: tuple[int, ...]) -> None:
    picture = np.full(shape, 9, np.uint8)
    fitted = fit(picture, (64, 48))
    assert fitted.shape == (48, 64, *shape[2:])
    inside = fitted.reshape(48, 64, -1)[..., 0] == 9
    rows, columns = inside.any(1).sum(), inside.any(0).sum()
    assert inside.sum() == rows * columns
    assert rows == 48 or columns == 64
    assert columns / rows == pytest.approx(shape[1] / shape[0], rel=0.1)
    assert set(np.unique(fitted)) <= {9, 0 if len(shape) == 3 else 255}


def test_labels_stay_class_ids() -> None:
    labels = np.array([[3, 10], [0, 255]], np.uint8).repeat(40, 0).repeat(40, 1)
    assert set(np.unique(fit(labels, (51, 33)))) == {0, 3, 10, 255}


def test_odd_sides_get_their_last_line_twice() -> None:
    picture = np.arange(5 * 3 * 3, dtype=np.uint8).reshape(5, 3, 3)
    grown = even(picture)
    assert (grown.shape[1], grown.shape[0]) == even_size((3, 5)) == (4, 6)
    np.testing.assert_array_equal(grown[5], grown[4])
    np.testing.assert_array_equal(grown[:5, 3], picture[:, 2])
