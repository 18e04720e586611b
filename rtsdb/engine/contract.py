"""The frame contract: what goes into a model and comes out of it, whichever engine runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rtsdb.errors import UsageError

ANY = -1
"""A size that is free, or not known."""


@dataclass(frozen=True)
class Port:
    """An input or output: its type in numpy's words, and its sizes.

    >>> str(Port("uint8", (ANY, 360, 480, 3)))
    'uint8 [?, 360, 480, 3]'
    """

    kind: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        """As in an error."""
        sizes = ", ".join("?" if size == ANY else str(size) for size in self.shape)
        return f"{self.kind} [{sizes}]"


CONTRACT = {
    "frame": Port("uint8", (ANY, ANY, ANY, 3)),
    "noise": Port("float32", (ANY, 2)),
    "denoised": Port("uint8", (ANY, ANY, ANY, 3)),
    "labels": Port("uint8", (ANY, ANY, ANY)),
}
"""Inputs, then outputs, by name; any number of frames of any size. `rtsdb.models.frame_net` says
what is in them."""


def check_contract(path: Path, found: Mapping[str, Port]) -> None:
    """Raise UsageError unless inputs and outputs have the names, types and sizes of the contract.

    >>> check_contract(Path("a.onnx"), CONTRACT)
    >>> check_contract(Path("a.onnx"), {"image": Port("float32", (1, 3, 64, 64))})
    Traceback (most recent call last):
    rtsdb.errors.UsageError: a.onnx: inputs and outputs are image float32 [1, 3, 64, 64], not \
rtsdb's frame contract; make the file with 'rtsdb export'
    """
    if dict(found) != CONTRACT:
        listed = ", ".join(f"{name} {port}" for name, port in found.items())
        raise UsageError(
            f"{path}: inputs and outputs are {listed}, not rtsdb's frame contract; "
            "make the file with 'rtsdb export'"
        )
