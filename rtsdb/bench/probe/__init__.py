"""What this machine reaches at best, measured beside the figures that are compared with it."""

from __future__ import annotations

from collections.abc import Sequence

from rtsdb.bench.model import Probe
from rtsdb.bench.probe.copying import copy_gbs
from rtsdb.bench.probe.gpu import probe_gpu
from rtsdb.bench.probe.processor import processor_tflops


def probe_machine(precisions: Sequence[str]) -> Probe:
    """Measure the peaks of the processor, and of the GPU where torch can use one.

    precisions: names such as 'fp32', of which each device does those that it has. Takes about
    half a second for each, and for the copy; the best of several runs counts.
    """
    gpu_tflops, gpu_copy_gbs = probe_gpu(precisions)
    return Probe(processor_tflops(precisions), copy_gbs(), gpu_tflops, gpu_copy_gbs)
