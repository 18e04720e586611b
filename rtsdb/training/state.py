"""All that a training run needs to go on exactly where it stopped."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import nn

from rtsdb.errors import UsageError
from rtsdb.files import write_bytes


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
    """Hold Ctrl-C and SIGTERM back until the block is through: a step is taken whole or not at all.

    What they would have done is done then.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: held.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if held:
        signal.raise_signal(held[0])


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint in one piece or not at all; raises RtsdbError where it cannot be."""
    content = BytesIO()
    torch.save(state, content)
    write_bytes(content.getvalue(), path)


def load_state(path: Path) -> dict[str, Any]:
    """Read a checkpoint; raises UsageError when there is none or it cannot be read."""
    if not path.is_file():
        raise UsageError(f"--resume: no checkpoint {path}; give the run's folder with --output")
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise UsageError(f"{path}: not a readable checkpoint ({error})") from error
    return state
