"""Rough speeds of GPUs that nobody ran here, from what their makers publish; never a measurement.

    time of a frame = max(2 x MACs / (e x peak rate), bytes moved / (e x memory bandwidth))

e is the share of both published peaks that the network reaches. It was not measured on any of
these GPUs: the table gives both ends of an assumed range. MACs and bytes are counted in the very
graph (`rtsdb.bench.cost`); those of an INT8 network that stay in float16 take float16's rate.
Copies to and from the GPU, decoding and drawing are not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rtsdb.bench.cost import Cost, frame_cost
from rtsdb.bench.derive import FLOAT_BYTES
from rtsdb.bench.model import Setup
from rtsdb.bench.setups import MODEL
from rtsdb.errors import UsageError
from rtsdb.names import split_names
from rtsdb.tiling import plan_tiles
from rtsdb.weights import find_model

EFFICIENCY = (0.1, 0.4)
"""Assumed shares of the published peaks: of a network with few channels, so small matrices."""

PRECISIONS = ("fp16", "int8")

FORMULA = (
    "fps = 1 / max(2 x MACs / (e x peak), bytes / (e x bandwidth)), "
    f"e = {EFFICIENCY[0]:g} to {EFFICIENCY[1]:g} (assumed)"
)


@dataclass(frozen=True)
class PublishedGpu:
    """Peaks as published, without sparsity. tflops: dense tensor rates in 10^12 operations per
    second by precision; bandwidth_gbs: of its memory, in 10^9 bytes per second.
    """

    title: str
    tflops: dict[str, float]
    bandwidth_gbs: float
    source: str


GPUS = {
    # INT8: 170 with sparsity, the GPU alone (275 counts the DLAs too); FP16 is half of INT8.
    "orin-agx": PublishedGpu(
        "Jetson AGX Orin 64GB, MAXN",
        {"fp16": 42.5, "int8": 85.0},
        204.8,
        "NVIDIA Jetson AGX Orin Series Technical Brief v1.2",
    ),
    "orin-nano": PublishedGpu(
        "Jetson Orin Nano 8GB, MAXN Super",
        {"fp16": 17.0, "int8": 33.0},
        102.0,
        "NVIDIA Jetson Orin Nano Super Developer Kit data sheet",
    ),
    # FP16 that is summed in FP32; NVIDIA gives twice that where it is summed in FP16.
    "rtx4090": PublishedGpu(
        "GeForce RTX 4090",
        {"fp16": 165.2, "int8": 660.6},
        1008.0,
        "NVIDIA Ada GPU Architecture whitepaper v2.01, appendix A",
    ),
}
"""GPUs by the name that --estimate takes."""


@dataclass(frozen=True)
class Estimate:
    """Frames per second of the network alone, from the low end of `EFFICIENCY` to the high one.

    setup: engine is the GPU's name in `GPUS`. bound: what takes longer, 'compute' or 'memory'.
    """

    setup: Setup
    fps: tuple[float, float]
    bound: str


def parse_gpus(text: str) -> tuple[str, ...]:
    """Read --estimate; raises UsageError for a GPU that is not in `GPUS`.

    >>> parse_gpus("rtx4090,orin-nano")
    ('rtx4090', 'orin-nano')
    """
    names = split_names(text, "--estimate")
    unknown = [name for name in names if name not in GPUS]
    if unknown:
        raise UsageError(
            f"--estimate {text}: {', '.join(unknown)}; published figures are at hand for "
            f"{', '.join(GPUS)}"
        )
    return names


def estimate(gpus: Iterable[str], setups: Sequence[Setup]) -> list[Estimate]:
    """Estimates for every GPU of the shipped network in each precision of `PRECISIONS`.

    setups: size, K and tile are taken from them.
    """
    return [
        _estimate(name, replace(setup, engine=name, precision=precision))
        for name in gpus
        for setup in setups
        for precision in PRECISIONS
    ]


def _estimate(gpu: str, setup: Setup) -> Estimate:
    onnx = find_model(MODEL, setup.stages).need_onnx(gpu)
    width, height = setup.size
    cost = frame_cost(onnx, setup.precision, plan_tiles(height, width, setup.tile))
    fps, bound = _at_peak(cost, GPUS[gpu])
    slow, fast = (fps * share for share in EFFICIENCY)
    return Estimate(setup, (slow, fast), bound)


def _at_peak(cost: Cost, gpu: PublishedGpu) -> tuple[float, str]:
    """Frames per second at an efficiency of 1, and what bounds them."""
    in_float = cost.macs - cost.int8_macs
    compute = 2 * (in_float / gpu.tflops["fp16"] + cost.int8_macs / gpu.tflops["int8"]) / 1e12
    memory = cost.bytes_moved(FLOAT_BYTES["fp16"]) / gpu.bandwidth_gbs / 1e9
    return 1 / max(compute, memory), "compute" if compute >= memory else "memory"
