"""Muon: steps of orthogonalised momentum for the matrices of a network, AdamW for the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

SMALLEST_SIDE = 16
"""Weights with fewer rows or columns (biases, outputs, noise inputs) are left to AdamW."""


def is_matrix(weight: Tensor) -> bool:
    """Whether a parameter is a matrix [out, in * kh * kw] that Muon is for: not depthwise.

    >>> is_matrix(torch.zeros(32, 16, 3, 3)), is_matrix(torch.zeros(32, 1, 5, 5))
    (True, False)
    """
    return (
        weight.ndim == 4
        and weight.shape[1] > 1
        and min(len(weight), weight[0].numel()) >= SMALLEST_SIDE
    )


def orthogonalised(matrix: Tensor) -> Tensor:
    """U V^T of the singular value decomposition U S V^T, about: singular values in 0.7 to 1.2.

    Five Newton-Schulz steps with the coefficients of Jordan et al. (see `Muon`).
    """
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-12)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    found: Tensor = x.T if tall else x
    return found


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised, for convolutions as matrices; AdamW for what `is_matrix` is not.

    Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024). Steps are
    scaled to the root mean square that AdamW's have, so that one learning rate serves both (Liu et
    al., arXiv 2502.16982).
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
        lr: float = 4e-3,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float = 0.01,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "betas": betas, "weight_decay": weight_decay}
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]
        """Take one step along the gradients that there are."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                rule = self._muon if is_matrix(weight) else self._adam
                step = rule(weight.grad, self.state[weight], group)
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(step, alpha=-group["lr"])

    def _muon(self, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
        mean: Tensor = state.setdefault("mean", torch.zeros_like(grad))
        mean.lerp_(grad, 1 - group["momentum"])
        nesterov = grad.lerp(mean, group["momentum"])
        matrix = orthogonalised(nesterov.reshape(len(grad), -1))
        step: Tensor = 0.2 * max(matrix.shape) ** 0.5 * matrix.reshape(grad.shape)
        return step

    def _adam(self, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
        count = state["step"] = state.get("step", 0) + 1
        mean: Tensor = state.setdefault("mean", torch.zeros_like(grad))
        square: Tensor = state.setdefault("square", torch.zeros_like(grad))
        first, second = group["betas"]
        mean.lerp_(grad, 1 - first)
        square.lerp_(grad.square(), 1 - second)
        step: Tensor = (mean / (1 - first**count)) / ((square / (1 - second**count)).sqrt() + 1e-8)
        return step
