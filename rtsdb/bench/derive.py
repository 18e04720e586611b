"""What follows from a measured row, the model's cost and the machine's probed peaks: its roofline.

    achieved TFLOP/s  = 2 x MACs / median time of infer
    intensity         = 2 x MACs / bytes moved
    attainable rate   = min(peak, intensity x copy bandwidth)

The second term of the last line is the smaller one for a configuration that is bound by memory
(Williams et al., "Roofline", CACM 2009). MACs and bytes are those of `rtsdb.bench.cost`.
"""

from __future__ import annotations

from rtsdb.bench.cost import frame_cost
from rtsdb.bench.model import Derived, Probe, Row
from rtsdb.bench.setups import MODEL
from rtsdb.engine.registry import is_on_gpu
from rtsdb.machine import has_bf16
from rtsdb.tiling import plan_tiles
from rtsdb.weights import find_model

FLOAT_BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}
"""Size of a number in floating point, by precision."""


def derive(row: Row, probe: Probe | None, model: str = MODEL) -> Derived | None:
    """Rates and shares of a measured row; None where the engine's time or an ONNX file is missing.

    model: as `--model` takes it. Shares and bound are None without a probe of the row's precision.
    """
    infer = None if row.engine is None else row.engine.stages.get("infer")
    onnx = find_model(model, row.setup.stages).onnx
    if infer is None or infer.p50 <= 0 or onnx is None:
        return None
    engine, precision = row.ran.engine, row.ran.precision
    width, height = row.setup.size
    cost = frame_cost(onnx, precision, plan_tiles(height, width, row.setup.tile))
    moved = cost.bytes_moved(float_bytes(engine, precision))
    seconds = infer.p50 / 1000
    tflops = cost.operations / seconds / 1e12
    intensity = cost.operations / moved
    peak, copy = peaks_of(row, probe)
    return Derived(
        macs=cost.macs,
        bytes_moved=moved,
        intensity=intensity,
        tflops=tflops,
        peak_share=None if peak is None else tflops / peak,
        copy_share=None if copy is None else moved / seconds / 1e9 / copy,
        bound=None if peak is None or copy is None else _bound(intensity, peak, copy),
    )


def float_bytes(engine: str, precision: str) -> int:
    """Bytes of a number in floating point, of what an engine does not do in INT8.

    In an INT8 network that is float16 with TensorRT, with OpenVINO bfloat16 where the processor
    has it, else float32.

    >>> float_bytes("openvino", "fp32"), float_bytes("tensorrt", "int8")
    (4, 2)
    """
    if precision in FLOAT_BYTES:
        return FLOAT_BYTES[precision]
    halves = "tensorrt" in engine or (engine == "openvino" and has_bf16())
    return 2 if halves else 4


def peaks_of(row: Row, probe: Probe | None) -> tuple[float | None, float | None]:
    """TFLOP/s in a row's precision, and GB/s of copying, of the device that it ran on."""
    if probe is None:
        return None, None
    if is_on_gpu(row.ran.engine):
        return probe.gpu_tflops.get(row.ran.precision), probe.gpu_copy_gbs
    return probe.tflops.get(row.ran.precision), probe.copy_gbs


def _bound(intensity: float, peak_tflops: float, copy_gbs: float) -> str:
    """Which of the roofline's two roofs is the lower one."""
    return "compute" if 1000 * peak_tflops <= intensity * copy_gbs else "memory"
