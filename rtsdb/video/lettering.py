"""Words on pictures: captions, and the strip that names the classes. All drawn once."""

from __future__ import annotations

import cv2
import numpy as np

from rtsdb.classes import ClassSet
from rtsdb.video.frame import Image

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_CAPITAL = 22  # height in pixels of a capital letter of the font at scale 1
_INK = (255, 255, 255)
_PAPER = (24, 24, 24)
_EDGE = (120, 120, 120)  # around a chip, whose colour may be nearly that of the paper


def letter_height(view_height: int) -> int:
    """Height in pixels of a capital that can be read beside a picture of `view_height`.

    >>> [letter_height(h) for h in (64, 540, 1080, 2160)]
    [7, 12, 24, 28]
    """
    return min(28, max(7, view_height // 45))


def caption(text: str, letter: int) -> Image:
    """`text` on a dark tag, uint8 [h, w, 3] RGB, with capitals `letter` pixels high."""
    width = _text_width(text, letter)
    tag = _paper(2 * letter, width + letter)
    _put(tag, text, letter // 2, letter)
    return tag


def legend(classes: ClassSet, width: int, letter: int) -> Image:
    """Strip, uint8 [h, width, 3] RGB, with a colour chip and the name of every class.

    The entries flow into as many rows as `width` asks for; h is even.
    """
    row_height = 2 * letter
    places: list[tuple[int, int]] = []
    x = y = 0
    for name in classes.names:
        needed = _text_width(name, letter) + 3 * letter
        if x and x + needed > width:
            x, y = 0, y + row_height
        places.append((x, y))
        x += needed
    strip = _paper(y + row_height, width)
    for name, colour, (x, y) in zip(classes.names, classes.colours, places, strict=True):
        left, top = x + letter // 2, y + letter // 2
        strip[top - 1 : top + letter + 1, left - 1 : left + letter + 1] = _EDGE
        strip[top : top + letter, left : left + letter] = colour
        _put(strip[y : y + row_height], name, left + letter + letter // 2, letter)
    return strip


def paste(picture: Image, patch: Image, left: int = 0) -> None:
    """Copy `patch` into the top of `picture` at column `left`, cut where it does not fit."""
    target = picture[: patch.shape[0], left : left + patch.shape[1]]
    np.copyto(target, patch[: target.shape[0], : target.shape[1]])


def _paper(height: int, width: int) -> Image:
    paper = np.empty((height, width, 3), np.uint8)
    paper[:] = _PAPER
    return paper


def _text_width(text: str, letter: int) -> int:
    (width, _), _ = cv2.getTextSize(text, _FONT, letter / _CAPITAL, _stroke(letter))
    return int(width)


def _stroke(letter: int) -> int:
    return max(1, letter // 10)


def _put(row: Image, text: str, left: int, letter: int) -> None:
    """Write `text` into a row twice as high as its capitals, centred upright."""
    baseline = (row.shape[0] + letter) // 2
    place = (left, baseline)
    cv2.putText(row, text, place, _FONT, letter / _CAPITAL, _INK, _stroke(letter), cv2.LINE_AA)
