"""Tiles gathered and stitched by the copy engines: `rtsdb.tiling` as strided 2-D copies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsdb.engine.cuda.driver import driver
from rtsdb.tiling import TilePlan

Copy = Any
"""A pycuda Memcpy2D: called with a stream, it is enqueued there. It does not keep its arrays."""


def gather_copies(plan: TilePlan, frame: NDArray[np.uint8], batch: int) -> list[Copy]:
    """Copies of a frame's tiles into a batch on the GPU.

    frame: pinned uint8 [H, W, 3], extended by reflection to all that the tiles cover.
    batch: address of uint8 [count, tile_height, tile_width, 3].
    """
    pixel = frame.strides[1]
    pitch = plan.tile_width * pixel
    copies = []
    for index, (row, column) in enumerate(plan.spans()):
        copy = driver().Memcpy2D()
        copy.set_src_host(frame[row.start :, column.start :])
        copy.src_pitch = frame.strides[0]
        copy.set_dst_device(batch + index * plan.tile_height * pitch)
        copy.dst_pitch = copy.width_in_bytes = pitch
        copy.height = plan.tile_height
        copies.append(copy)
    return copies


def stitch_copies(plan: TilePlan, batch: int, into: NDArray[np.uint8]) -> list[Copy]:
    """Copies of the kept part of every tile in a batch on the GPU to its place in a frame.

    batch: address of uint8 [count, tile_height, tile_width, ...]. into: pinned uint8 [H, W, ...].
    """
    pixel = into.strides[1]
    pitch = plan.tile_width * pixel
    copies = []
    for index, (row, column) in enumerate(plan.spans()):
        copy = driver().Memcpy2D()
        copy.set_src_device(batch + index * plan.tile_height * pitch)
        copy.src_pitch = pitch
        copy.src_y = row.keep - row.start
        copy.src_x_in_bytes = (column.keep - column.start) * pixel
        copy.set_dst_host(into[row.keep :, column.keep :])
        copy.dst_pitch = into.strides[0]
        copy.width_in_bytes = (column.stop - column.keep) * pixel
        copy.height = row.stop - row.keep
        copies.append(copy)
    return copies
