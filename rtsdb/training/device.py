"""The device that training runs on."""

from __future__ import annotations

import torch

from rtsdb.errors import UsageError
from rtsdb.machine import has_bf16


def pick_device(name: str) -> torch.device:
    """The device called 'cpu', 'cuda', or 'auto': cuda where torch sees a GPU.

    Raises UsageError for other names and for a GPU that torch does not see.

    >>> pick_device("cpu")
    device(type='cpu')
    """
    if name not in ("auto", "cpu", "cuda"):
        raise UsageError(f"--device {name}: choose one of: auto, cpu, cuda")
    seen = torch.cuda.is_available()
    if name == "cuda" and not seen:
        raise UsageError("--device cuda: torch sees no GPU; install a CUDA build of torch")
    return torch.device("cuda" if seen and name != "cpu" else "cpu")


def prefers_bf16(device: torch.device) -> bool:
    """Whether bfloat16 is faster than float32 on a device."""
    return torch.cuda.is_bf16_supported() if device.type == "cuda" else has_bf16()
