"""Muon against its definition, and on problems with a known answer."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import nn

from rtsdb.training.muon import Muon, is_matrix, orthogonalised


@pytest.mark.parametrize("shape", [(24, 24), (16, 150), (150, 16)])
def test_singular_values_become_about_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(shape)
    found = orthogonalised(matrix)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    along = torch.diagonal(u.T @ found @ v.T)
    assert found.shape == matrix.shape
    assert along.min() > 0.6
    assert along.max() < 1.3
    # nothing but the singular values changes
    assert torch.allclose(u @ torch.diag(along) @ v, found, atol=1e-3)


def test_scale_of_the_gradient_does_not_matter() -> None:
    torch.manual_seed(0)
    matrix = torch.randn(16, 40)
    assert torch.allclose(orthogonalised(matrix), orthogonalised(1e-4 * matrix), atol=1e-3)


def test_outputs_biases_and_depthwise_kernels_are_no_matrices() -> None:
    assert is_matrix(nn.Conv2d(48, 96, 2, 2).weight)
    assert not is_matrix(nn.Conv2d(48, 12, 1).weight)
    assert not is_matrix(nn.Conv2d(2, 48, 1).weight)
    assert not is_matrix(nn.Conv2d(48, 48, 3, groups=48).weight)
    assert not is_matrix(torch.zeros(96))


def test_what_is_no_matrix_moves_as_with_adamw() -> None:
    torch.manual_seed(0)
    ours, theirs = nn.Parameter(torch.randn(7)), nn.Parameter(torch.zeros(7))
    theirs.data.copy_(ours.data)
    muon = Muon([ours], lr=0.1, weight_decay=0.02)
    adamw = torch.optim.AdamW([theirs], lr=0.1, weight_decay=0.02)
    for step in range(5):
        gradient = torch.randn(7) * (step + 1)
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        muon.step()
        adamw.step()
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_steps_are_as_large_as_the_learning_rate_says() -> None:
    torch.manual_seed(0)
    weight = nn.Parameter(torch.zeros(32, 32, 3, 3))
    weight.grad = torch.randn_like(weight)
    Muon([weight], lr=0.01).step()
    # an orthogonal 32 x 288 matrix has a root mean square of 1/sqrt(288)
    assert float(weight.detach().square().mean().sqrt()) == pytest.approx(0.2 * 0.01, rel=0.3)


def test_a_convolution_is_learnt_and_a_restored_state_goes_on_the_same() -> None:
    torch.manual_seed(0)
    teacher, student = (nn.Conv2d(16, 16, 3, padding=1) for _ in range(2))
    x = torch.randn(4, 16, 8, 8)
    target = teacher(x).detach()

    def train(optimizer: Muon, steps: int) -> float:
        for _ in range(steps):
            loss = (student(x) - target).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return loss.item()

    optimizer = Muon(student.parameters(), lr=0.02)
    first = train(optimizer, 1)
    assert train(optimizer, 60) < 0.1 * first
    weights, state = deepcopy((student.state_dict(), optimizer.state_dict()))
    restored = Muon(student.parameters(), lr=0.02)
    restored.load_state_dict(state)
    expected = train(optimizer, 3)
    student.load_state_dict(weights)
    assert train(restored, 3) == pytest.approx(expected, rel=1e-4)
