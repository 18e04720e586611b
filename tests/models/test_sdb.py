from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from rtsdb.models.sdb import RESIDUAL_NOISE, BlockOutput, SDBNet
from rtsdb.models.segmenter import Segmenter

MakeNet = Callable[[int], SDBNet]


def image(count: int = 1, height: int = 64, width: int = 96, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def run(net: SDBNet, pictures: Tensor, noise: Tensor | None = None) -> list[BlockOutput]:
    given = torch.tensor([[0.0, 625.0]]) if noise is None else noise
    return net(net.pack(pictures), given.expand(len(pictures), 2))


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_every_block_gives_logits_and_an_estimate(make_net: MakeNet, stages: int) -> None:
    outputs = run(make_net(stages), image(2))
    assert len(outputs) == stages
    for output in outputs:
        assert output.logits.shape == (2, 11, 32, 48)
        assert output.estimate.shape == (2, 12, 32, 48)


def test_each_picture_of_a_batch_is_treated_by_itself(make_net: MakeNet) -> None:
    levels = torch.tensor([0.1, 0.5, 0.9])[:, None, None, None].expand(3, 3, 64, 64)
    noise, order = torch.tensor([[0.0, 25.0], [0.5, 100.0], [0.0, 2500.0]]), [2, 0, 1]
    net = make_net(2)
    straight, permuted = run(net, levels, noise), run(net, levels[order], noise[order])
    for one, other in zip(straight, permuted, strict=True):
        torch.testing.assert_close(one.logits[order], other.logits, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(one.estimate[order], other.estimate, rtol=1e-4, atol=1e-5)


def test_the_noise_level_matters_to_both_parts(make_net: MakeNet) -> None:
    net = make_net(1)
    quiet, loud = (run(net, image(), torch.tensor([[0.0, b]]))[0] for b in (0.0, 2500.0))
    assert not torch.allclose(quiet.logits, loud.logits)
    assert not torch.allclose(quiet.estimate, loud.estimate)


@pytest.mark.parametrize("stages", [1, 3])
def test_a_frame_without_noise_is_every_estimate(make_net: MakeNet, stages: int) -> None:
    net, clean = make_net(stages), image()
    for output in run(net, clean, torch.tensor([[0.0, 0.0]])):
        assert torch.equal(output.estimate, net.pack(clean))


def test_segmenter_k_sees_estimate_k_minus_1(make_net: MakeNet) -> None:
    net, seen = make_net(3), []
    net.sdbs()[0].segmenter.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    packed = net.pack(image())
    outputs = net(packed, torch.tensor([[0.0, 625.0]]))
    assert torch.equal(seen[0], packed)
    assert torch.equal(seen[1], outputs[0].estimate)
    assert torch.equal(seen[2], outputs[1].estimate)


def test_denoiser_k_sees_the_frame_the_estimate_and_the_classes(make_net: MakeNet) -> None:
    net, seen = make_net(2), []
    for block in net.sdbs():
        block.denoiser.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    packed = net.pack(image())
    outputs = net(packed, torch.tensor([[0.0, 625.0]]))
    assert len(seen[0]) == 3
    assert torch.equal(seen[1][3].estimate, outputs[0].estimate)
    for output, inputs in zip(outputs, seen, strict=True):
        assert torch.equal(inputs[0], packed)
        quarter = torch.nn.functional.avg_pool2d(output.logits, 2)
        assert torch.equal(inputs[1], torch.softmax(quarter, dim=1))


def parts(net: SDBNet, name: str) -> list[tuple[str, torch.nn.Parameter]]:
    return [(key, value) for key, value in net.named_parameters() if f".{name}." in key]


@pytest.mark.parametrize(
    ("learns", "rests"), [("denoiser", "segmenter"), ("segmenter", "denoiser")]
)
def test_no_gradient_passes_between_segmenters_and_denoisers(
    make_net: MakeNet, learns: str, rests: str
) -> None:
    net = make_net(3).train()
    outputs = net(net.pack(image()), torch.tensor([[0.0, 625.0]]))
    values = [o.estimate if learns == "denoiser" else o.logits for o in outputs]
    torch.stack([value.square().mean() for value in values]).sum().backward()
    assert all(p.grad is None or not p.grad.any() for _, p in parts(net, rests))
    silent = [name for name, p in parts(net, learns) if p.grad is None or not p.grad.any()]
    assert not silent


@pytest.mark.parametrize("stages", [1, 2])
def test_grow_keeps_the_blocks_there_are(make_net: MakeNet, stages: int) -> None:
    net = make_net(stages)
    before, after = run(net, image()), run(net.grow(3).eval(), image())
    assert len(after) == 3
    for old, new in zip(before, after[:stages], strict=True):
        assert torch.equal(old.logits, new.logits)
        assert torch.equal(old.estimate, new.estimate)


@pytest.mark.parametrize("stages", [1, 2])
def test_a_grown_block_nearly_leaves_the_estimate_as_it_is(make_net: MakeNet, stages: int) -> None:
    net = make_net(stages)
    outputs = run(net.grow(3).eval(), image())
    moved = outputs[-1].estimate - outputs[stages - 1].estimate
    possible = net.pack(image()) - outputs[stages - 1].estimate
    assert 0 < moved.abs().max() < 0.02 * possible.abs().max()


def test_a_grown_block_can_learn(make_net: MakeNet) -> None:
    net = make_net(1).grow(2).train()
    outputs = net(net.pack(image()), torch.tensor([[0.0, 625.0]]))
    (outputs[1].estimate.square().mean() + outputs[1].logits.square().mean()).backward()
    denoiser, segmenter = net.sdbs()[1].denoiser, net.sdbs()[0].segmenter
    for conv in (denoiser.frame, denoiser.gate, segmenter.classify):
        assert conv.weight.grad is not None
        assert conv.weight.grad.any()


def test_shrinking_keeps_the_first_blocks(make_net: MakeNet) -> None:
    net = make_net(3)
    (only,), first = run(net.grow(1).eval(), image()), run(net, image())[0]
    assert torch.equal(only.logits, first.logits)
    assert torch.equal(only.estimate, first.estimate)


def test_one_segmenter_is_told_the_noise_that_is_left_and_what_it_found_before(
    make_net: MakeNet,
) -> None:
    net, seen, found = make_net(3), [], []
    segmenter = net.sdbs()[0].segmenter
    segmenter.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    segmenter.register_forward_hook(lambda _, inputs, output: found.append(output))
    run(net, image())
    (_, told, nothing), *others = seen
    assert nothing is None
    for (_, sigma, before), output in zip(others, found, strict=False):
        assert torch.equal(sigma, RESIDUAL_NOISE * told)
        assert all(torch.equal(a, b) for a, b in zip(before, output, strict=True))
    assert torch.equal(found[0].context, found[2].context)
    assert not torch.equal(found[0].logits, found[1].logits)
    assert not torch.equal(found[1].logits, found[2].logits)


def test_context_is_all_that_the_deepest_units_give(make_net: MakeNet) -> None:
    segmenter, frame, sigma = make_segmenter(make_net)
    straight = segmenter(frame, sigma)
    for unit in segmenter.encoder[segmenter.taps[-1] :]:
        torch.nn.init.zeros_(unit.project.weight)
    assert not torch.equal(segmenter(frame, sigma).logits, straight.logits)
    torch.testing.assert_close(segmenter(frame, sigma, straight).logits, straight.logits)


def test_features_of_the_block_before_are_half_of_the_outcome_and_recalled(
    make_net: MakeNet,
) -> None:
    segmenter, frame, sigma = make_segmenter(make_net)
    straight = segmenter(frame, sigma)
    other = straight._replace(features=torch.zeros_like(straight.features))
    torch.testing.assert_close(segmenter(frame, sigma, other).features, 0.5 * straight.features)
    without = segmenter(frame, sigma, straight).logits
    torch.nn.init.ones_(segmenter.decoder.recall.weight)
    assert not torch.allclose(segmenter(frame, sigma, straight).logits, without)


def make_segmenter(make_net: MakeNet) -> tuple[Segmenter, Tensor, Tensor]:
    """A net's segmenter, a packed frame and its noise maps."""
    net = make_net(1)
    segmenter = net.sdbs()[0].segmenter
    assert isinstance(segmenter, Segmenter)
    frame = net.pack(image())
    sigma = net.noise_maps(frame, torch.tensor([[0.0, 625.0]]))
    assert sigma is not None
    return segmenter, frame, sigma
