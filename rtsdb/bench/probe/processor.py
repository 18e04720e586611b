"""The processor's rate of arithmetic in OpenVINO, with the settings of the engine of that name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from rtsdb.bench.probe.best_time import best_seconds
from rtsdb.engine.openvino import FLOATS, shared_core
from rtsdb.machine import has_bf16

CHANNELS, HEIGHT, WIDTH, LAYERS = 64, 128, 256, 4
"""Of 3x3 convolutions, one after the other, for what is to be shared is the layers' own time."""

SIDE = 1024
"""Of square matrices."""


def processor_tflops(precisions: Sequence[str]) -> dict[str, float]:
    """The best rate in 10^12 operations a second (two a MAC), of 'fp32', 'bf16' and 'int8'.

    bf16 only where the processor has it. Both kinds of network are run, and the faster counts.
    """
    able = {"fp32", "int8", "bf16"} if has_bf16() else {"fp32", "int8"}
    return {precision: _best(precision) for precision in precisions if precision in able}


def _best(precision: str) -> float:
    is_int8 = precision == "int8"
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": FLOATS["fp32" if is_int8 else precision],
    }
    rates = []
    for model, macs in (convolutions(is_int8=is_int8), product(is_int8=is_int8)):
        request = shared_core().compile_model(model, "CPU", settings).create_infer_request()
        request.get_input_tensor().data[:] = 1
        rates.append(2 * macs / best_seconds(request.infer) / 1e12)
    return max(rates)


def convolutions(*, is_int8: bool) -> tuple[ov.Model, int]:
    """A chain of convolutions, and its MACs."""
    frame = values = ops.parameter([1, CHANNELS, HEIGHT, WIDTH], np.float32)
    for _ in range(LAYERS):
        weights = _weights((CHANNELS, CHANNELS, 3, 3), is_int8=is_int8)
        values = ops.convolution(
            _input(values, is_int8=is_int8), weights, [1, 1], [1, 1], [1, 1], [1, 1]
        )
    return ov.Model([values], [frame]), LAYERS * 9 * CHANNELS**2 * HEIGHT * WIDTH


def product(*, is_int8: bool) -> tuple[ov.Model, int]:
    """A product of matrices, and its MACs."""
    left = ops.parameter([SIDE, SIDE], np.float32)
    right = _weights((SIDE, SIDE), is_int8=is_int8)
    values = ops.matmul(_input(left, is_int8=is_int8), right, False, False)
    return ov.Model([values], [left]), SIDE**3


def _input(values: ov.Node, *, is_int8: bool) -> ov.Node:
    """Values as they go into a layer; in INT8 with the 256 levels from 0 to 2.55."""
    if not is_int8:
        return values
    low, high = ops.constant(np.float32(0)), ops.constant(np.float32(2.55))
    return ops.fake_quantize(values, low, high, low, high, 256)


def _weights(shape: tuple[int, ...], *, is_int8: bool) -> ov.Node:
    """Random weights; in INT8 with one scale for all."""
    random = np.random.default_rng(0)
    if not is_int8:
        return ops.constant(random.standard_normal(shape, np.float32))
    integers = ops.constant(random.integers(-127, 128, shape, np.int8))
    return ops.multiply(ops.convert(integers, np.float32), ops.constant(np.float32(0.01)))
