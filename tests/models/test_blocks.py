"""The published kind of block in the alternation; `test_sdb` has the real-time kind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from rtsdb.models.sdb import SDBNet

MakeNet = Callable[[int], SDBNet]
NOISE = torch.tensor([[0.0, 625.0]])


@pytest.fixture
def picture() -> Tensor:
    return torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))


def seen_by(net: SDBNet, part: str) -> list[tuple[Tensor, ...]]:
    """The inputs of that part of every block, filled as the net runs."""
    seen: list[tuple[Tensor, ...]] = []
    for block in net.sdbs():
        getattr(block, part).register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    return seen


@torch.no_grad()
def test_estimates_are_pictures_and_logits_are_at_a_quarter(
    make_sdabn: MakeNet, picture: Tensor
) -> None:
    net = make_sdabn(2)
    assert net.pack(picture) is picture
    assert net.unpack(picture) is picture
    for output in net(picture, NOISE):
        assert output.logits.shape == (1, 11, 16, 24)
        assert output.estimate.shape == picture.shape


@torch.no_grad()
def test_a_segmenter_sees_the_estimate_before(make_sdabn: MakeNet, picture: Tensor) -> None:
    net = make_sdabn(3)
    seen = seen_by(net, "segmenter")
    outputs = net(picture, NOISE)
    for (found,), expected in zip(seen, [picture, *(o.estimate for o in outputs)], strict=False):
        assert torch.equal(found, expected)


@torch.no_grad()
def test_a_denoiser_sees_the_strengthened_frame_and_raw_logits_at_full_size(
    make_sdabn: MakeNet, picture: Tensor
) -> None:
    net = make_sdabn(2)
    seen = seen_by(net, "denoiser")
    first, second = net(picture, NOISE)
    assert torch.equal(seen[0][0], picture)
    assert torch.equal(seen[1][0], picture + first.estimate)
    for (_, condition), output in zip(seen, (first, second), strict=True):
        enlarged = torch.nn.functional.interpolate(output.logits, size=(64, 96), mode="bilinear")
        torch.testing.assert_close(condition, enlarged)


@torch.no_grad()
def test_the_noise_level_is_not_told(make_sdabn: MakeNet, picture: Tensor) -> None:
    net = make_sdabn(1)
    quiet, loud = (net(picture, noise)[0] for noise in (NOISE, 9 * NOISE))
    assert torch.equal(quiet.estimate, loud.estimate)
    assert torch.equal(quiet.logits, loud.logits)


@pytest.mark.parametrize("part", ["segmenter", "denoiser"])
@pytest.mark.parametrize("block", [0, 1])
def test_each_part_learns_from_its_own_output_only(
    make_sdabn: MakeNet, picture: Tensor, part: str, block: int
) -> None:
    net = make_sdabn(2)
    output = net(picture, NOISE)[block]
    (output.logits if part == "segmenter" else output.estimate).square().sum().backward()
    learning = {name for name, p in net.named_parameters() if p.grad is not None and p.grad.any()}
    assert learning == {
        name for name, _ in net.named_parameters() if name.startswith(f"blocks.{block}.{part}.")
    }


def test_a_grown_block_has_the_last_segmenter_and_a_fresh_denoiser(make_sdabn: MakeNet) -> None:
    net = make_sdabn(1)
    first, second = net.grow(2).sdbs()
    old = net.sdbs()[0]
    for one, other in ((first, old), (second.segmenter, old.segmenter)):
        ours, theirs = one.state_dict(), other.state_dict()
        assert all(torch.equal(value, theirs[name]) for name, value in ours.items())
    for name, value in old.denoiser.named_parameters():
        if name.endswith("weight"):
            assert not torch.equal(second.denoiser.get_parameter(name), value)


def test_shrinking_keeps_the_first_blocks(make_sdabn: MakeNet) -> None:
    net = make_sdabn(3)
    kept, before = net.grow(2).state_dict(), net.state_dict()
    assert set(kept) == {name for name in before if not name.startswith("blocks.2.")}
    assert all(torch.equal(value, before[name]) for name, value in kept.items())
