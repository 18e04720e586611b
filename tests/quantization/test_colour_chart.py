from __future__ import annotations

import numpy as np
import pytest

from rtsdb.quantization.colour_chart import draw_colour_chart


@pytest.mark.parametrize(("width", "height"), [(224, 160), (96, 64), (100, 71)])
def test_every_saturated_hue_and_every_corner_of_the_cube_is_there(width: int, height: int) -> None:
    chart = draw_colour_chart(width, height)
    assert (chart.shape, chart.dtype) == ((height, width, 3), np.uint8)
    colours = {tuple(colour) for colour in chart.reshape(-1, 3).tolist()}
    assert colours >= {(r, g, b) for r in (0, 255) for g in (0, 255) for b in (0, 255)}
    hues = chart[height // 2]
    assert (hues.max(axis=1) == 255).all()
    assert (hues.min(axis=1) == 0).all()
    assert len(np.unique(hues, axis=0)) == width
    assert not chart[-1].any()
