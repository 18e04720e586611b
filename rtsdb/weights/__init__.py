"""The weights that come with rtsdb, and where a model named on the command line lies."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from rtsdb.classes import CLASS_SETS, ClassSet
from rtsdb.errors import UsageError
from rtsdb.models.metadata import Metadata, read_metadata
from rtsdb.onnx_file import digest

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class ModelFiles:
    """One network: weights for torch, ONNX for everything else.

    label: its name for people. stages: number of blocks K that were asked for. weights or onnx is
    None where the user named a file of the other kind.
    """

    label: str
    stages: int
    weights: Path | None
    onnx: Path | None

    @property
    def metadata(self) -> Metadata:
        """What the file says about itself; raises UsageError for one not made by rtsdb."""
        path = self.weights or self.onnx
        assert path is not None
        return read_metadata(path)

    @property
    def classes(self) -> ClassSet:
        """The classes that the file says it tells apart; raises as `metadata` does."""
        return CLASS_SETS[self.metadata.classes]

    @property
    def sha256(self) -> str:
        """Hash, in hexadecimal, of the weights, or of the ONNX file with all that it refers to."""
        if self.weights is not None:
            return hashlib.sha256(self.weights.read_bytes()).hexdigest()
        assert self.onnx is not None
        return digest(self.onnx)

    def need_weights(self, engine: str) -> Path:
        """The weights file; raises UsageError, on behalf of an engine, where there is none."""
        if self.weights is None:
            raise UsageError(f"--engine {engine}: {self.onnx} is ONNX; give the .safetensors file")
        return self.weights

    def need_onnx(self, engine: str) -> Path:
        """The ONNX file; raises UsageError, on behalf of an engine, where there is none."""
        if self.onnx is None:
            raise UsageError(
                f"--engine {engine}: {self.weights} holds weights; make the ONNX file with "
                "'rtsdb export'"
            )
        return self.onnx


SHIPPED = {"rt": 3}
"""Shipped models by preset: the largest number of stages."""


def find_model(model: str, stages: int) -> ModelFiles:
    """Files of a shipped preset ('rt'), or of the user's own .onnx or .safetensors path.

    Raises UsageError for an unknown name, a missing file, or more stages than there are.

    >>> find_model("rt", 1).onnx.name
    'rt-k1.onnx'
    """
    if model in SHIPPED:
        most = SHIPPED[model]
        if not 1 <= stages <= most:
            raise UsageError(f"--stages {stages}: the shipped '{model}' has 1 to {most}")
        label = f"{model} K={stages}"
        weights = FOLDER / f"{model}.safetensors"
        return ModelFiles(label, stages, weights, FOLDER / f"{model}-k{stages}.onnx")
    path = Path(model)
    if path.suffix not in (".onnx", ".safetensors"):
        known = ", ".join(SHIPPED)
        raise UsageError(
            f"--model {model}: give a shipped preset ({known}), or an .onnx or .safetensors file"
        )
    if not path.is_file():
        raise UsageError(f"--model {model}: no such file")
    if path.suffix == ".onnx":
        return ModelFiles(path.name, stages, None, path)
    return ModelFiles(path.name, stages, path, None)
