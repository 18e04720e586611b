"""The master of every INT8 form of a network: what is quantised, and in which steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from rtsdb.quantization.layers import Activation

LEVELS = 127
"""Largest INT8 value of an activation: symmetric, so that -127..127 stand for -range..range."""

WEIGHT_LEVELS = 64
"""Largest INT8 value of a weight. Half of the range is left out so that processors without VNNI,
which add two products in 16 bits (vpmaddubsw), give what all others give: 2 * 255 * 64 < 2**15."""

_SMALLEST = 2.0**-14
"""Smallest normal float16: a step of 0, as dead channels would have, is an error in TensorRT."""


class Reach(IntEnum):
    """Who reads the INT8 form of a tensor."""

    FLOAT = 0
    """Nobody."""
    CONVOLUTIONS = 1
    """Convolutions; skip connections read the float tensor."""
    ALL = 2
    """Skip connections, too."""


@dataclass(frozen=True)
class Plan:
    """Where quantisation goes and with what steps.

    Steps are float16 numbers, so that forms with float16 and with float32 scales compute the
    same. activations: the step by tensor. weights: steps [out], one per output channel, by
    tensor. reach: by tensor that convolutions read.
    """

    activations: Mapping[str, float]
    weights: Mapping[str, NDArray[np.float32]]
    reach: Mapping[str, Reach]

    def relaxed(self, tensors: Mapping[str, Reach]) -> Plan:
        """The same with another reach of some tensors."""
        return replace(self, reach={**self.reach, **tensors})


def full_plan(
    activations: Sequence[Activation],
    weights: Mapping[str, NDArray[np.float32]],
    ranges: Mapping[str, float],
) -> Plan:
    """All that can be INT8. weights: [out, in, height, width] by tensor; ranges: by tensor."""
    return Plan(
        activations={tensor: activation_step(largest) for tensor, largest in ranges.items()},
        weights={name: weight_steps(weight) for name, weight in weights.items()},
        reach={a.tensor: Reach.ALL if a.skips else Reach.CONVOLUTIONS for a in activations},
    )


def activation_step(largest: float) -> float:
    """Step of a tensor whose values beyond `largest` are clipped.

    >>> activation_step(127.0)
    1.0
    """
    return float(_as_step(np.array([largest]) / LEVELS)[0])


def weight_steps(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Steps [out] of weights [out, in, height, width]: the largest of each output channel fits.

    >>> weight_steps(np.array([[[[-32.0]]], [[[0.0]]]], np.float32)).tolist()
    [0.5, 6.103515625e-05]
    """
    return _as_step(np.abs(weight).reshape(len(weight), -1).max(axis=1) / WEIGHT_LEVELS)


def _as_step(step: NDArray[np.floating]) -> NDArray[np.float32]:
    """The nearest positive float16 numbers."""
    half: NDArray[np.float16] = np.maximum(step, _SMALLEST).astype(np.float16)
    return half.astype(np.float32)
