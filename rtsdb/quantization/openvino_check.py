"""What the INT8 network loses in OpenVINO, which moves and joins roundings when it compiles.

ONNX Runtime, which judges the search, runs the graph as it is written; OpenVINO runs another one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rtsdb.errors import MissingPackageError, RtsdbError
from rtsdb.optional import load_package
from rtsdb.quantization.accuracy import Accuracy, Bars, Excess, lost, measure, worst
from rtsdb.quantization.frames import Sample
from rtsdb.quantization.progress import Progress
from rtsdb.video.frame import Image, Labels

if TYPE_CHECKING:
    import onnx


def check_in_openvino(
    graphs: Mapping[str, onnx.ModelProto],
    samples: Sequence[Sample],
    *,
    classes: int,
    bars: Bars,
    progress: Progress,
    costliest: Callable[[Excess], Sequence[str]],
) -> dict[str, dict[str, Accuracy]]:
    """Accuracy in OpenVINO by precision and kind of noise; empty where it is not installed.

    graphs: the network in 'fp32' and in 'int8-fp32'. samples: noisy frames of one size.
    costliest: gives the convolutions that are to blame for a loss.
    Raises RtsdbError, naming those, when INT8 loses more than the bars allow.
    """
    try:
        load_package("openvino", extra="openvino")
    except MissingPackageError:
        return {}
    height, width = samples[0].noisy.shape[:2]
    accuracy = {}
    for precision, graph in graphs.items():
        progress.begin(f"accuracy in OpenVINO, {precision}", len(samples))
        network = OpenVinoNetwork(graph, height, width)
        accuracy[precision] = measure(network, samples, classes, progress.step)
    excess = worst(lost(accuracy["fp32"], accuracy["int8-fp32"]), bars)
    if excess.lost > excess.bar:
        raise RtsdbError(
            f"in OpenVINO, INT8 loses {excess}; "
            "ONNX Runtime computes the same graph without that loss: nothing written. "
            f"The costliest are {', '.join(costliest(excess))}"
        )
    return accuracy


class OpenVinoNetwork:
    """A `rtsdb.quantization.session.Network`, compiled as OpenVINO's engine does, in float32."""

    def __init__(self, model: onnx.ModelProto, height: int, width: int) -> None:
        from rtsdb.engine.openvino import FLOATS, shared_core

        read = shared_core().read_model(model.SerializeToString())
        read.reshape({"frame": [1, height, width, 3], "noise": [1, 2]})
        settings = {"INFERENCE_PRECISION_HINT": FLOATS["fp32"]}
        self._compiled = shared_core().compile_model(read, "CPU", settings)

    def run(self, frames: Image, noise: NDArray[np.float32]) -> tuple[Image, Labels]:
        """One frame of the compiled size."""
        found = self._compiled({"frame": frames, "noise": noise})
        return found["denoised"], found["labels"]
