"""What a model file says about itself, read without torch, safetensors or onnx."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rtsdb.classes import CLASS_SETS
from rtsdb.errors import UsageError
from rtsdb.models.presets import PRESETS
from rtsdb.onnx_file import metadata_props


@dataclass(frozen=True)
class Metadata:
    """What a weights or ONNX file says about itself.

    preset: the network's configuration. stages: number of blocks. classes: name of the class
    set. data: what it was trained on. steps: optimiser steps, all runs together.
    metrics: measured quality by name, such as {"K3/awgn:50/psnr": 27.1}.
    """

    preset: str
    stages: int
    classes: str
    data: str = ""
    steps: int = 0
    metrics: dict[str, float] = field(default_factory=dict)

    def header(self) -> dict[str, str]:
        """As it is kept in the header of safetensors and in the metadata_props of ONNX."""
        return {"format": "rtsdb", "metadata": json.dumps(asdict(self))}


def join_data(*texts: str) -> str:
    """What weights were trained on that come from several runs: all of it, each thing once.

    >>> join_data("a", "a; b", "", "b; c")
    'a; b; c'
    """
    return "; ".join(dict.fromkeys(part for text in texts for part in text.split("; ") if part))


def read_metadata(path: Path) -> Metadata:
    """What the .onnx or safetensors file at `path` says about itself.

    Raises UsageError when it is no such file, was not made by rtsdb or by another version of it.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    if path.suffix == ".onnx":
        header = metadata_props(path)
    else:
        header = safetensors_header(path)[0].get("__metadata__", {})
    if header.get("format") != "rtsdb":
        raise UsageError(
            f"{path}: without rtsdb metadata, so its classes are unknown; "
            "make it with rtsdb train, import-weights or export"
        )
    try:
        metadata = Metadata(**json.loads(header["metadata"]))
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"{path}: metadata of another version ({error}); train or export it with this one"
        ) from error
    for what, name, known in (
        ("preset", metadata.preset, list(PRESETS)),
        ("class set", metadata.classes, list(CLASS_SETS)),
    ):
        if name not in known:
            raise UsageError(f"{path}: its {what} is {name!r}; this version has {known}")
    if not isinstance(metadata.stages, int) or metadata.stages < 1:
        raise UsageError(f"{path}: metadata says {metadata.stages!r} stages; give another file")
    return metadata


def safetensors_header(path: Path) -> tuple[dict[str, Any], int]:
    """The JSON header of a safetensors file (`__metadata__`, and tensors by name); its end.

    Raises UsageError for a file that begins otherwise.
    """
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        try:
            header = json.loads(file.read(min(size, path.stat().st_size)))
        except ValueError as error:
            raise UsageError(f"{path}: not a safetensors file ({error})") from error
    if not isinstance(header, dict):
        raise UsageError(f"{path}: not a safetensors file")
    return header, 8 + size
