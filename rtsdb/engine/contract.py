"""The frame contract: what goes into a model and comes out of it, whichever engine runs it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rtsdb.errors import UsageError

CONTRACT = {"frame": "uint8", "noise": "float32", "denoised": "uint8", "labels": "uint8"}
"""Inputs, then outputs, by name: their numpy types. `rtsdb.models.frame_net` has the shapes."""


def check_contract(path: Path, found: Mapping[str, str]) -> None:
    """Raise UsageError unless inputs and outputs have the names and types of the contract.

    >>> check_contract(Path("a.onnx"), CONTRACT)
    >>> check_contract(Path("a.onnx"), {"image": "float32"})
    Traceback (most recent call last):
    rtsdb.errors.UsageError: a.onnx: inputs and outputs are image float32, not rtsdb's frame \
contract; make the file with 'rtsdb export'
    """
    if dict(found) != CONTRACT:
        listed = ", ".join(f"{name} {kind}" for name, kind in found.items())
        raise UsageError(
            f"{path}: inputs and outputs are {listed}, not rtsdb's frame contract; "
            "make the file with 'rtsdb export'"
        )
