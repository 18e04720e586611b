"""Torch-TensorRT: TensorRT reached from PyTorch, to compare with; needs the extra `torchtrt`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from rtsdb.engine.torch import TorchEngine
from rtsdb.errors import RtsdbError
from rtsdb.gpu import find_gpus
from rtsdb.optional import load_package


class TorchTensorRtEngine(TorchEngine):
    """Float16 on the GPU, compiled anew for every tile size; what it cannot compile, torch runs.

    Never run on a GPU so far.
    """

    device = "cuda"

    @classmethod
    def probe(cls) -> None:
        """Ask for a GPU that torch can use."""
        find_gpus()
        if not torch.cuda.is_available():
            raise RtsdbError("this torch was built without CUDA; install a CUDA build")

    def __init__(self, weights: Path, **settings: Any) -> None:
        super().__init__(weights, **settings)
        self._compiler = load_package("torch_tensorrt", extra="torchtrt")
        self._source = self.net.half().to(self.device)
        self.info = replace(
            self.info,
            name="torch-tensorrt",
            precision="fp16",
            versions={**self.info.versions, "torch-tensorrt": self._compiler.__version__},
        )

    def compile(self, height: int, width: int) -> None:
        """Compile for tiles of this size, in the net's own types.

        Versions differ in whether that is their default; the other one is float32 throughout.
        """
        example: list[Any] = [
            torch.zeros((1, height, width, 3), dtype=torch.uint8, device=self.device),
            torch.zeros((1, 2), device=self.device),
        ]
        self.net = self._compiler.compile(
            self._source, ir="dynamo", arg_inputs=example, use_explicit_typing=True
        )
