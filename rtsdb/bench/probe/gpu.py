"""The GPU's rate of arithmetic and of copying, in torch; not yet run on a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rtsdb.bench.probe.best_time import best_seconds
from rtsdb.errors import RtsdbError
from rtsdb.gpu import find_gpus
from rtsdb.optional import load_package

DTYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
"""Names of the precisions in torch. INT8 is not among what it convolves on a GPU."""

CHANNELS, HEIGHT, WIDTH = 128, 512, 1024
"""Of a 3x3 convolution."""

SIDE = 4096
"""Of square matrices."""

COPIED = 2**30
"""Bytes that are copied within the GPU's memory."""


def probe_gpu(precisions: Sequence[str]) -> tuple[dict[str, float], float | None]:
    """10^12 operations a second by precision, the faster of a convolution and a matrix product,
    and 10^9 bytes read and written a second by a copy; nothing without a GPU that torch can use.

    In fp32, cuDNN convolves with TF32 where the GPU has it, as ONNX Runtime does by default.
    """
    try:
        find_gpus()  # before torch, which takes its time to load
        torch = load_package("torch", extra="train")
    except RtsdbError:
        return {}, None
    if not torch.cuda.is_available():
        return {}, None
    try:
        with torch.inference_mode():
            rates = {name: _tflops(torch, DTYPES[name]) for name in precisions if name in DTYPES}
            return rates, _copy_gbs(torch)
    except torch.cuda.OutOfMemoryError:
        return {}, None
    finally:
        torch.cuda.empty_cache()


def _tflops(torch: Any, dtype: str) -> float:
    kind = {"device": "cuda", "dtype": getattr(torch, dtype)}
    frame = torch.rand(1, CHANNELS, HEIGHT, WIDTH, **kind).to(memory_format=torch.channels_last)
    kernel = torch.rand(CHANNELS, CHANNELS, 3, 3, **kind).to(memory_format=torch.channels_last)
    left, right = torch.rand(SIDE, SIDE, **kind), torch.rand(SIDE, SIDE, **kind)

    def convolve() -> None:
        torch.nn.functional.conv2d(frame, kernel, padding=1)
        torch.cuda.synchronize()

    def multiply() -> None:
        torch.matmul(left, right)
        torch.cuda.synchronize()

    rates = (
        2 * 9 * CHANNELS**2 * HEIGHT * WIDTH / best_seconds(convolve),
        2 * SIDE**3 / best_seconds(multiply),
    )
    return max(rates) / 1e12


def _copy_gbs(torch: Any) -> float:
    source = torch.ones(COPIED, dtype=torch.uint8, device="cuda")
    target = torch.zeros_like(source)

    def copy() -> None:
        target.copy_(source)
        torch.cuda.synchronize()

    return 2 * COPIED / best_seconds(copy) / 1e9
