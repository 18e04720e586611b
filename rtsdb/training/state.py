"""All that a training run needs to go on exactly where it stopped."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from rtsdb.errors import UsageError


class Ema:
    """Exponential moving average of a net's weights: smoother, and better on unseen frames.

    The decay warms up as (1 + step) / (10 + step), so that early averages are not stale. With
    decay 0 the average is the weights themselves.
    """

    def __init__(self, net: nn.Module, decay: float = 0.999) -> None:
        self.decay = decay
        self.weights = {k: v.detach().clone() for k, v in net.state_dict().items()}

    @torch.no_grad()
    def update(self, net: nn.Module, step: int) -> None:
        """Move towards the weights of `net` after optimiser step number `step`."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in net.state_dict().items():
            if value.is_floating_point():
                self.weights[name].lerp_(value, 1 - decay)
            else:  # the step count of batch normalisation
                self.weights[name].copy_(value)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back until the block is through, so that a step is taken whole or not at all."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if held:
        raise KeyboardInterrupt


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint in one piece or not at all."""
    partial = path.with_name(path.name + ".part")
    torch.save(state, partial)
    os.replace(partial, path)


def load_state(path: Path) -> dict[str, Any]:
    """Read a checkpoint; raises UsageError when there is none or it cannot be read."""
    if not path.is_file():
        raise UsageError(f"--resume: no checkpoint {path}; give the run's folder with --output")
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise UsageError(f"{path}: not a readable checkpoint ({error})") from error
    return state
