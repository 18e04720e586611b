"""Weights on disk: safetensors whose metadata says what they are, and a strict loader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from rtsdb.classes import CLASS_SETS
from rtsdb.errors import MissingPackageError, UsageError
from rtsdb.files import write_bytes
from rtsdb.models import presets
from rtsdb.models.metadata import Metadata, read_metadata
from rtsdb.models.sdb import SDBNet

try:
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import save
except ImportError as error:
    raise MissingPackageError("safetensors", extra="train") from error


def save_weights(net: SDBNet, path: Path, metadata: Metadata) -> None:
    """Write the weights of `net` as safetensors, in one piece or not at all.

    They are kept in the type that the net's configuration names, float16 or float32. Raises
    RtsdbError where they cannot be written.
    """
    kind = getattr(torch, net.config.stored)
    state = {name: value.to(kind).contiguous() for name, value in learnt(net).items()}
    write_bytes(save(state, metadata=metadata.header()), path)


def load_weights(
    path: Path, *, stages: int | None = None, preset: str | None = None
) -> tuple[SDBNet, Metadata]:
    """The net stored at `path` in float32, or its first `stages` blocks, ready to run.

    preset: a configuration of the same shapes to run the weights under, such as an ablation;
    the metadata then names it. Raises UsageError when the file is missing, is no rtsdb weights
    file, holds other tensors than its preset has, has values that are not finite, or has fewer
    blocks than asked for.
    """
    metadata = read_metadata(path)
    if preset is not None:
        metadata = replace(metadata, preset=preset)
    try:
        with safe_open(path, framework="pt") as file:
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise UsageError(f"{path}: not a safetensors file ({error})") from error
    config, classes = presets.preset(metadata.preset), CLASS_SETS[metadata.classes]
    net = SDBNet(config, classes=len(classes), stages=metadata.stages)
    problem = misfit(learnt(net), state)
    if problem:
        raise UsageError(
            f"{path}: does not fit preset '{metadata.preset}' with {metadata.stages} stages: "
            f"{problem}; train or export it with this version"
        )
    check_finite(path, state)
    net.load_state_dict(state, strict=False)
    if stages is not None:
        if not 1 <= stages <= metadata.stages:
            raise UsageError(f"{path}: has {metadata.stages} stages, --stages {stages} asked for")
        net = net.grow(stages)
    return net.eval(), metadata


def learnt(module: nn.Module) -> dict[str, Tensor]:
    """The state of a module without the step counters of its batch normalisation."""
    return {k: v.detach() for k, v in module.state_dict().items() if v.is_floating_point()}


def misfit(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str:
    """How the names and shapes of tensors differ, in words with examples; empty if they agree."""
    both = expected.keys() & found.keys()
    differences = (
        ("missing", expected.keys() - found.keys()),
        ("extra", found.keys() - expected.keys()),
        ("of other shape", {n for n in both if expected[n].shape != found[n].shape}),
    )
    return ", ".join(
        f"{len(names)} {what} ({', '.join(sorted(names)[:3])}{', ...' if len(names) > 3 else ''})"
        for what, names in differences
        if names
    )


def check_finite(path: Path, state: Mapping[str, Tensor]) -> None:
    """Raise UsageError naming the first tensor of the file that is not finite."""
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise UsageError(f"{path}: tensor {name} holds values that are not finite")
