"""Engines: one file per library behind one protocol, and a function that opens one by name."""

from __future__ import annotations

from rtsdb.engine.base import Engine
from rtsdb.errors import UsageError
from rtsdb.tiling import HALO
from rtsdb.weights import find_model

ENGINES = ("openvino", "torch")


def load_engine(
    model: str = "rt",
    *,
    stages: int = 1,
    engine: str = "auto",
    precision: str = "auto",
    tile: tuple[int, int] | None = None,
    halo: int = HALO,
    slots: int = 2,
) -> Engine:
    """Open an engine for a shipped preset, an ONNX file or a weights file.

    stages: number of blocks K. engine: 'auto' (openvino), 'openvino' or 'torch'. tile: (width,
    height) of tiles, None for whole frames. Raises UsageError for what does not exist.

    >>> import numpy as np
    >>> with load_engine("rt", stages=1) as engine:
    ...     engine(np.zeros((64, 96, 3), np.uint8), sigma=25).labels.shape
    (64, 96)
    """
    if engine == "auto":
        engine = "openvino"
    if engine not in ENGINES:
        known = ", ".join(["auto", *ENGINES])
        raise UsageError(f"--engine {engine}: no such engine; choose one of: {known}")
    files = find_model(model, stages)
    if engine == "torch":
        from rtsdb.engine.torch import TorchEngine

        if files.weights is None:
            raise UsageError(f"--engine torch: {model} is ONNX; give the .safetensors file")
        return TorchEngine(
            files.weights, stages=stages, precision=precision, tile=tile, halo=halo, slots=slots
        )
    from rtsdb.engine.openvino import OpenVinoEngine

    if files.onnx is None:
        raise UsageError(
            f"--engine openvino: {model} holds weights; make the ONNX file with 'rtsdb export'"
        )
    return OpenVinoEngine(
        files.onnx, label=files.label, precision=precision, tile=tile, halo=halo, slots=slots
    )
