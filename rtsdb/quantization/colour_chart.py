"""A picture of the colours that streets lack, so that they are not beyond an INT8 network's ranges.

Without it, INT8 turned saturated colours dull: ranges ended where the frames of streets do.
"""

from __future__ import annotations

import numpy as np

from rtsdb.video.frame import Image


def draw_colour_chart(width: int, height: int) -> Image:
    """uint8 [H, W, 3] RGB: bars of the eight corners of the RGB cube over all hues, full to black.

    >>> draw_colour_chart(8, 2)[0].tolist()[:3]
    [[0, 0, 0], [0, 0, 255], [0, 255, 0]]
    """
    corners = 255 * np.indices((2, 2, 2)).reshape(3, 8).T
    turn = np.arange(width)[:, None] / width * 6
    red_green_blue = np.array([3, 2, 4])
    hues = np.abs(turn - red_green_blue) * [1, -1, -1] + [-1, 2, 2]
    light = np.linspace(255, 0, height - height // 2)[:, None, None]
    bars = np.broadcast_to(corners[np.arange(width) * 8 // width], (height // 2, width, 3))
    return np.concatenate([bars, np.rint(light * np.clip(hues, 0, 1))]).astype(np.uint8)
