"""PNG files of class ids with a palette: colours to the eye, ids to a program."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from rtsdb.classes import ClassSet
from rtsdb.video.frame import Labels

_INDEXED = 3  # PNG colour type: each pixel a number in the palette


def indexed_png(labels: Labels, classes: ClassSet) -> bytes:
    """A PNG file whose pixels are `labels` (uint8 [H, W] class ids), coloured by `classes`.

    It is what Cityscapes' and CamVid's tools read and write: image libraries that keep palettes
    (Pillow's mode P) give the ids back; others give RGB. After the PNG specification, third
    edition (W3C, 2025).

    >>> from rtsdb.classes import CAMVID
    >>> indexed_png(np.zeros((48, 64), np.uint8), CAMVID)[:8]
    b'\\x89PNG\\r\\n\\x1a\\n'
    """
    height, width = labels.shape
    rows = np.zeros((height, width + 1), np.uint8)  # the first byte of a row: no filter
    rows[:, 1:] = labels
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, _INDEXED, 0, 0, 0)),
            _chunk(b"PLTE", classes.palette().tobytes()),
            _chunk(b"IDAT", zlib.compress(rows.data, level=1)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)
