"""Graphs run as they are written: Q/DQ rounds, and what lies between is float."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rtsdb.errors import MissingPackageError
from rtsdb.machine import usable_cpus
from rtsdb.video.frame import Image, Labels

try:
    import onnx
    import onnxruntime as ort
    from onnx import helper
except ImportError as error:
    raise MissingPackageError("onnxruntime", extra="calibrate") from error


class Network(Protocol):
    """A graph of the frame contract, opened in some library."""

    def run(self, frames: Image, noise: NDArray[np.float32]) -> tuple[Image, Labels]:
        """Denoised uint8 [N, H, W, 3] and labels uint8 [N, H, W] of frames of that shape.

        noise: float32 [N, 2], as `NoiseLevel.array` gives it.
        """


class Session:
    """A `Network` in ONNX Runtime.

    Q/DQ is not fused into INT8 kernels: what is measured is the network, not how the kernels of
    one processor round. tensors: names of inner tensors to give, too.
    """

    def __init__(self, model: onnx.ModelProto, tensors: Sequence[str] = ()) -> None:
        observed = onnx.ModelProto()
        observed.CopyFrom(model)
        observed.graph.output.extend(helper.make_empty_tensor_value_info(t) for t in tensors)
        options = ort.SessionOptions()
        options.intra_op_num_threads = usable_cpus()
        options.log_severity_level = 4  # fatal: what fails is raised
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        self._tensors = list(tensors)
        self._session = ort.InferenceSession(
            observed.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def run(self, frames: Image, noise: NDArray[np.float32]) -> tuple[Image, Labels]:
        """Frames of any number and size."""
        denoised, labels = self._session.run(
            ["denoised", "labels"], {"frame": frames, "noise": noise}
        )
        return denoised, labels

    def observe(self, frames: Image, noise: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """The inner tensors by name."""
        values = self._session.run(self._tensors, {"frame": frames, "noise": noise})
        return dict(zip(self._tensors, values, strict=True))
