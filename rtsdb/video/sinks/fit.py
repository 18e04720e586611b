"""Pictures brought to the size that a video was begun with."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from rtsdb.classes import VOID


def fit(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """`picture` itself if it has `size` (width, height); else scaled into it, centred.

    picture: uint8 [H, W, 3], black around it; or class ids [H, W], with 255 around them.

    >>> fit(np.full((10, 40), 7, np.uint8), (8, 4))[:, 0].tolist()
    [255, 7, 7, 255]
    """
    (height, width), (new_width, new_height) = picture.shape[:2], size
    if (width, height) == size:
        return picture
    labels = picture.ndim == 2
    scale = min(new_width / width, new_height / height)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    way = cv2.INTER_NEAREST if labels else cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = cv2.resize(picture, inner, interpolation=way)
    left, top = (new_width - inner[0]) // 2, (new_height - inner[1]) // 2
    right, bottom = new_width - inner[0] - left, new_height - inner[1] - top
    border = VOID if labels else 0
    whole = cv2.copyMakeBorder(
        scaled, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(border,) * 3
    )
    return np.asarray(whole, np.uint8)


def even(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`picture`, its last row and column repeated where the height or width is odd."""
    height, width = picture.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return picture
    padded = cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    return np.asarray(padded, np.uint8)


def even_size(size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of what `even` makes of a picture of `size`."""
    return size[0] + size[0] % 2, size[1] + size[1] % 2
