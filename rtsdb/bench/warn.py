"""What spoils a row's figures, in one line each with what to do about it.

The first two rules are those of trtexec (TensorRT's samples/common/sampleReporting.cpp).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rtsdb.bench.model import Load, Row, Side
from rtsdb.engine.registry import is_on_gpu

ENQUEUE_SHARE = 0.8
"""Of the time to compute a frame: above it, the GPU may wait for the processor (trtexec)."""

GPU_SPREAD, CPU_SPREAD = 0.025, 0.1
"""Coefficients of variation that are large: on a GPU, as trtexec has it; on a processor, which
shares its cores with the system and lowers its clocks as it warms up, four times as much."""

FEW_FRAMES = 100
"""Below it, less than one frame is slower than the 99th percentile."""

OTHER_CPU_PERCENT = 20.0
"""Of one core: what a quiet desktop takes is below it."""

WARMER_C = 10.0
"""From the begin to the end: less is what the load alone does to a sensor."""

SWAPPED_MB = 1.0
"""Pages that the system moves in the background are fewer."""


def warnings_of(
    row: Row, machine: Mapping[str, object], longer: str = "--seconds"
) -> tuple[str, ...]:
    """Reasons to doubt a row, none where nothing was measured.

    machine: of the report (`rtsdb.bench.host.describe_host`). longer: the option to raise for more
    frames.
    """
    sides = {
        name: side
        for name, side in (("engine", row.engine), ("pipeline", row.pipeline))
        if side is not None
    }
    if not sides:
        return ()
    on_gpu = is_on_gpu(row.engine_kind)
    of_engine = () if row.engine is None else _engine_warnings(row.engine, on_gpu=on_gpu)
    return (
        *of_engine,
        *_above_the_roof(row),
        *_few_frames(sides, longer),
        *_settings_warnings(machine),
        *_load_warnings([side.load for side in sides.values()], longer),
    )


def _engine_warnings(engine: Side, *, on_gpu: bool) -> Iterator[str]:
    infer = engine.stages.get("infer")
    if infer is None:
        return
    if engine.enqueue is not None and engine.enqueue.p50 > ENQUEUE_SHARE * infer.p50:
        yield (
            f"submitting a frame keeps its caller {engine.enqueue.p50:.1f} ms, computing it takes "
            f"{infer.p50:.1f} ms: what computes may wait for what submits; take fewer, larger tiles"
        )
    spread = infer.std / infer.mean if infer.mean else 0.0
    if spread > (GPU_SPREAD if on_gpu else CPU_SPREAD):
        lock = "lock the GPU's clocks (nvidia-smi --lock-gpu-clocks; on Jetson, jetson_clocks)"
        yield (
            f"infer varies by {100 * spread:.1f} % (standard deviation / mean): "
            f"{lock if on_gpu else 'end other programs'}"
        )


def _above_the_roof(row: Row) -> Iterator[str]:
    share = None if row.derived is None else row.derived.peak_share
    if share is not None and share > 1:
        yield (
            f"the engine reached {share:.0%} of the probed peak, so the machine was probably "
            "busier while that was probed: end other programs and measure again"
        )


def _few_frames(sides: Mapping[str, Side], longer: str) -> Iterator[str]:
    few = {name: n for name, side in sides.items() if (n := side.latency.count) < FEW_FRAMES}
    if few:
        counts = " and ".join(f"{count} of the {name}" for name, count in few.items())
        yield f"p99 needs {FEW_FRAMES} frames, and there are {counts}: raise {longer}"


def _settings_warnings(machine: Mapping[str, object]) -> Iterator[str]:
    governor = machine.get("governor")
    if governor not in (None, "performance"):
        yield (
            f"the CPU governor is {governor}, so clocks follow the load: "
            "sudo cpupower frequency-set --governor performance"
        )


def _load_warnings(loads: Sequence[Load], longer: str) -> Iterator[str]:
    """Of both sides together, by the worse."""
    other = max((load.other_cpu_percent or 0.0 for load in loads), default=0.0)
    if other > OTHER_CPU_PERCENT:
        yield (
            f"other processes took {other:.0f} % of a core meanwhile: end them and measure again"
        )
    throttled = dict.fromkeys(reason for load in loads for reason in load.throttled)
    if throttled:
        yield (
            f"clocks were lowered meanwhile ({', '.join(throttled)}): "
            "better cooling, a stronger power supply or a lower power mode makes them steady"
        )
    known = [load.temperature_c for load in loads if load.temperature_c is not None]
    start, end = max(known, key=lambda pair: pair[1] - pair[0], default=(0.0, 0.0))
    if end - start > WARMER_C:
        yield (
            f"the machine grew warmer meanwhile, from {start:.0f} to {end:.0f} °C: "
            f"raise {longer} until it no longer does"
        )
    swapped = sum(load.swap_mb or 0.0 for load in loads)
    if swapped > SWAPPED_MB:
        yield (
            f"{swapped:.0f} MB went to or from swap meanwhile: "
            "end what uses memory, or take smaller frames"
        )
