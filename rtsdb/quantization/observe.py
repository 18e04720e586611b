"""The values that the tensors of a network take, over frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rtsdb.errors import RtsdbError
from rtsdb.quantization.frames import Sample
from rtsdb.quantization.histogram import Histogram
from rtsdb.quantization.progress import Progress
from rtsdb.quantization.session import Session

if TYPE_CHECKING:
    import onnx


def observe(
    network: onnx.ModelProto,
    tensors: Sequence[str],
    samples: Sequence[Sample],
    progress: Progress,
) -> dict[str, Histogram]:
    """Histograms of inner tensors, by name, over all samples.

    Raises RtsdbError for values that are not finite.
    """
    session = Session(network, tensors)
    histograms = {tensor: Histogram() for tensor in tensors}
    progress.begin("ranges", len(samples))
    for sample in samples:
        for tensor, values in session.observe(sample.noisy[None], sample.level[None]).items():
            if not np.isfinite(values).all():
                raise RtsdbError(f"the network's tensor {tensor} takes values that are not finite")
            histograms[tensor].add(values)
        progress.step()
    return histograms
