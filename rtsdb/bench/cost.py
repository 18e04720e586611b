"""What a network asks of a machine per frame: multiply-accumulates, and numbers read and written.

Counted in the ONNX graph by OpenVINO, at the size of the tiles that really run, so halo counts.
Only convolutions are counted: what stands between them is taken to be fused into them, and each
to read its input and weights and to write its output once. That is the usual lower bound of a
roofline (Williams et al., "Roofline", CACM 2009); caches may serve a part of it.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path

import openvino as ov

from rtsdb.engine.openvino import shared_core
from rtsdb.onnx_file import graph_in, has_graph
from rtsdb.tiling import TilePlan

_OUTER_AXES = {"Convolution": 1, "GroupConvolution": 2}
"""Kinds of convolution in OpenVINO, and how many axes of their weights tell outputs apart: (out,)
or (group, out). A number of the output takes a MAC for every weight along the other axes."""

_DEQUANTIZE = ("Multiply", "Subtract", "Convert")
"""What OpenVINO makes of DequantizeLinear; QuantizeLinear becomes FakeQuantize."""

_FRAME_BYTES = 3 + 3 + 1
"""Of a pixel: uint8 RGB in and out, and its label."""


@dataclass(frozen=True)
class Cost:
    """Counts of one frame, of all its tiles together.

    macs: multiply-accumulates; int8_macs: those of them in INT8. numbers: read and written by
    convolutions in floating point, int8_numbers: by those in INT8. frame_bytes: in and out.
    """

    macs: int
    int8_macs: int
    numbers: int
    int8_numbers: int
    frame_bytes: int

    @property
    def operations(self) -> int:
        """A multiplication and an addition for every MAC."""
        return 2 * self.macs

    def bytes_moved(self, float_bytes: int) -> int:
        """Bytes read and written where a number in floating point takes `float_bytes`.

        >>> Cost(macs=9, int8_macs=0, numbers=10, int8_numbers=2, frame_bytes=7).bytes_moved(4)
        49
        """
        return float_bytes * self.numbers + self.int8_numbers + self.frame_bytes

    def times(self, tiles: int) -> Cost:
        """The cost of so many."""
        return Cost(*(tiles * count for count in astuple(self)))


def frame_cost(onnx: Path, precision: str, plan: TilePlan) -> Cost:
    """Cost of a frame cut into the tiles of `plan`.

    onnx: any file of the model; its INT8 form beside it is counted where `precision` is 'int8',
    else its float32 form where there is one. Raises RuntimeError for what is no ONNX file.
    """
    form = "int8-fp32" if precision == "int8" else "fp32"
    graph = graph_in(onnx, form) if has_graph(onnx, form) else onnx
    return _tile_cost(graph, plan.tile_height, plan.tile_width).times(plan.count)


@cache
def _tile_cost(onnx: Path, height: int, width: int) -> Cost:
    model = shared_core().read_model(onnx)
    model.reshape({"frame": [1, height, width, 3], "noise": [1, 2]})
    macs, numbers = {True: 0, False: 0}, {True: 0, False: 0}
    for node in model.get_ops():
        outer = _OUTER_AXES.get(node.get_type_name())
        if outer is None:
            continue
        int8 = _is_int8(node)
        macs[int8] += _size(node.output(0)) * math.prod(list(node.input(1).get_shape())[outer:])
        numbers[int8] += sum(map(_size, (node.input(0), node.input(1), node.output(0))))
    return Cost(
        macs=sum(macs.values()),
        int8_macs=macs[True],
        numbers=numbers[False],
        int8_numbers=numbers[True],
        frame_bytes=_FRAME_BYTES * height * width,
    )


def _is_int8(convolution: ov.Node) -> bool:
    """Whether it reads its input through Q/DQ."""
    node = convolution
    while True:
        node = node.input(0).get_source_output().get_node()
        if node.get_type_name() not in _DEQUANTIZE:
            return bool(node.get_type_name() == "FakeQuantize")


def _size(port: ov.Input | ov.Output) -> int:
    return math.prod(port.get_shape())
