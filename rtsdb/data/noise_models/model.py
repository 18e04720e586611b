"""What every noise model can do."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rtsdb.noise import NoiseLevel


class NoiseModel(Protocol):
    """A kind of noise of a given strength, to be put on clean frames.

    The noise is drawn from the generator that is passed in and from nothing else: the same
    generator state gives the same noisy frame.
    """

    @property
    def spec(self) -> str:
        """The text that `parse_noise_model` reads as this model."""

    @property
    def level(self) -> NoiseLevel:
        """The (a, b) that describe the noise best, in grey levels as the frame is shown."""

    def apply_8bit(
        self,
        clean: NDArray[np.uint8],
        rng: np.random.Generator,
        out: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.uint8]:
        """The frame as it is recorded with noise in 8 bits: rounded, and clipped to 0..255.

        `clean` is uint8 [H, W, 3] RGB; the result is like it. `out`, when given, receives it and
        may be `clean`. Raises ValueError for an `out` that is not a contiguous uint8 array of
        the frame's shape.
        """

    def apply_float(self, clean: NDArray[Any], rng: np.random.Generator) -> NDArray[np.float32]:
        """Clean plus noise without rounding or clipping, the way of denoising papers.

        `clean` holds grey levels 0..255 in any number type and shape. The result is float32 of
        the same shape and may leave 0..255. Raises UsageError for noise that is made in 8 bits.
        """


def output_for(clean: NDArray[np.uint8], out: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """`out` if it can hold the noisy `clean`, or a new array; ValueError if it cannot."""
    if out is None:
        return np.empty(clean.shape, np.uint8)
    if out.shape != clean.shape or out.dtype != np.uint8 or not out.flags.c_contiguous:
        raise ValueError(f"out must be a contiguous uint8 array of shape {clean.shape}")
    return out
