"""Weights on disk: safetensors whose metadata says what they are, and a strict loader."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from rtsdb.classes import CLASS_SETS
from rtsdb.errors import MissingPackageError, UsageError
from rtsdb.models.presets import PRESETS
from rtsdb.models.sdb import SDBNet

try:
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import save
except ImportError as error:
    raise MissingPackageError("safetensors", extra="train") from error


@dataclass(frozen=True)
class Metadata:
    """What a weights file says about itself.

    preset: the network's configuration. stages: number of blocks. classes: name of the class
    set. data: what it was trained on. steps: optimiser steps, all runs together.
    metrics: measured quality by name, such as {"K3/awgn50/psnr": 27.1}.
    """

    preset: str
    stages: int
    classes: str
    data: str = ""
    steps: int = 0
    metrics: dict[str, float] = field(default_factory=dict)


def save_weights(net: SDBNet, path: Path, metadata: Metadata) -> None:
    """Write the weights of `net` as float16 safetensors, in one piece or not at all."""
    state = {k: v.detach().half().contiguous() for k, v in net.state_dict().items()}
    header = {"format": "rtsdb", "metadata": json.dumps(asdict(metadata))}
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(save(state, metadata=header))
    os.replace(partial, path)


def load_weights(path: Path, *, stages: int | None = None) -> tuple[SDBNet, Metadata]:
    """The net stored at `path` in float32, or its first `stages` blocks, ready to run.

    Raises UsageError when the file is missing, is no rtsdb weights file, holds other tensors
    than its preset has, has values that are not finite, or has fewer blocks than asked for.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such weights file")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise UsageError(f"{path}: not a safetensors file ({error})") from error
    if header.get("format") != "rtsdb":
        raise UsageError(f"{path}: safetensors without rtsdb metadata; was it made by rtsdb train?")
    metadata = _read_metadata(path, header)
    config, classes = PRESETS[metadata.preset], CLASS_SETS[metadata.classes]
    net = SDBNet(config, classes=len(classes), stages=metadata.stages)
    _check_fit(path, net, state, metadata)
    net.load_state_dict(state)
    if stages is not None:
        if not 1 <= stages <= metadata.stages:
            raise UsageError(f"{path}: has {metadata.stages} stages, --stages {stages} asked for")
        net = net.grow(stages)
    return net.eval(), metadata


def _read_metadata(path: Path, header: dict[str, str]) -> Metadata:
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


def _check_fit(path: Path, net: SDBNet, state: dict[str, torch.Tensor], metadata: Metadata) -> None:
    expected = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in state.items()}
    if expected != found:
        missing, extra = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected)
        other = [n for n in expected if n in found and expected[n] != found[n]]
        parts = [
            f"{len(names)} {what} ({names[0]})"
            for what, names in (("missing", missing), ("extra", extra), ("of other shape", other))
            if names
        ]
        raise UsageError(
            f"{path}: does not fit preset '{metadata.preset}' with {metadata.stages} stages: "
            f"{', '.join(parts)}; train or export it with this version"
        )
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise UsageError(f"{path}: tensor {name} holds values that are not finite")
