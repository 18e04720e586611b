"""The weights that come with rtsdb, and where a model named on the command line lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rtsdb.classes import CAMVID, ClassSet
from rtsdb.errors import UsageError

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class ModelFiles:
    """One network with K stages: weights for torch, ONNX for everything else.

    weights or onnx is None where the user named a file of the other kind.
    """

    label: str
    classes: ClassSet
    weights: Path | None
    onnx: Path | None


SHIPPED: dict[str, tuple[ClassSet, int]] = {"rt": (CAMVID, 3)}
"""Shipped models by preset: their classes and the largest number of stages."""


def find_model(model: str, stages: int) -> ModelFiles:
    """Files of a shipped preset ('rt'), or of the user's own .onnx or .safetensors path.

    Raises UsageError for an unknown name, a missing file, or more stages than there are.

    >>> find_model("rt", 1).onnx.name
    'rt-k1.onnx'
    """
    if model in SHIPPED:
        classes, most = SHIPPED[model]
        if not 1 <= stages <= most:
            raise UsageError(f"--stages {stages}: the shipped '{model}' has 1 to {most}")
        label = f"{model} K={stages}"
        weights = FOLDER / f"{model}.safetensors"
        return ModelFiles(label, classes, weights, FOLDER / f"{model}-k{stages}.onnx")
    path = Path(model)
    if path.suffix not in (".onnx", ".safetensors"):
        known = ", ".join(SHIPPED)
        raise UsageError(
            f"--model {model}: give a shipped preset ({known}), or an .onnx or .safetensors file"
        )
    if not path.is_file():
        raise UsageError(f"--model {model}: no such file")
    if path.suffix == ".onnx":
        return ModelFiles(path.name, CAMVID, None, path)
    return ModelFiles(path.name, CAMVID, path, None)
