import numpy as np
import pytest
import torch
from torch import nn

from rtsdb.models.frame_net import FrameNet
from rtsdb.models.presets import preset
from rtsdb.models.sdb import SDBNet
from rtsdb.tiling import gather, plan_tiles, stitch


def steered_alike(stages: int) -> SDBNet:
    """A net that finds all classes equally likely everywhere: no context gets in."""
    torch.manual_seed(0)
    net = SDBNet(preset("rt"), classes=11, stages=stages)
    nn.init.zeros_(net.sdbs()[0].segmenter.classify.weight)
    return net


@torch.no_grad()
def largest_seam(stages: int, halo: int) -> int:
    """Largest difference in grey levels between tiled and whole."""
    net, noise = FrameNet(steered_alike(stages)), torch.tensor([[0.0, 625.0]])
    frame = np.random.default_rng(0).integers(0, 256, (64, 448, 3), np.uint8)
    whole = net(torch.from_numpy(frame[None]), noise)[0][0].numpy()
    plan = plan_tiles(64, 448, (224, 64), halo=halo)
    assert plan.count == 2
    tiles = [np.empty((plan.tile_height, plan.tile_width, 3), np.uint8) for _ in range(2)]
    gather(plan, frame, tiles)
    done = [net(torch.from_numpy(tile[None]), noise)[0][0].numpy() for tile in tiles]
    stitched = np.empty_like(whole)
    stitch(plan, done, stitched)
    return int(np.abs(stitched.astype(int) - whole).max())


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_64_pixels_are_all_that_denoisers_see(stages: int) -> None:
    assert largest_seam(stages, 64) <= 1


def test_without_a_halo_there_are_seams() -> None:
    assert largest_seam(1, 0) > 1
