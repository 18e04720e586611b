"""Tiles by 2-D copies on the CUDA driver double, against `rtsdb.tiling` on the host."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings

from rtsdb.engine.cuda.copies import gather_copies, stitch_copies
from rtsdb.engine.cuda.device import open_device
from rtsdb.engine.cuda.driver import driver
from rtsdb.engine.cuda.memory import DeviceMemory, pinned
from rtsdb.tiling import TilePlan, gather, plan_tiles
from tests.cuda_double import control
from tests.cuda_double.harness import on_double
from tests.test_tiling import plans


@on_double()
def test_copies_gather_and_stitch_what_the_host_does() -> None:
    # In this process nobody has loaded the profile of conftest.py.
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(plans(most=300))
    def check(plan: TilePlan) -> None:
        rng, stream, memory = np.random.default_rng(0), driver().Stream(), DeviceMemory()
        frame = rng.integers(0, 256, (plan.height, plan.width, 3), np.uint8)
        whole = plan_tiles(plan.height, plan.width)
        extended = pinned((whole.tile_height, whole.tile_width, 3), np.uint8)
        gather(whole, frame, [extended])
        shape = (plan.count, plan.tile_height, plan.tile_width, 3)
        batch, tiles = memory.allocate(shape, np.uint8), np.zeros(shape, np.uint8)
        stitched = pinned(frame.shape, np.uint8)
        gather(plan, frame, list(tiles))
        for copy in gather_copies(plan, extended, batch) + stitch_copies(plan, batch, stitched):
            copy(stream)
        stream.synchronize()
        assert np.array_equal(control.view(batch, shape, np.uint8), tiles)
        assert np.array_equal(stitched, frame)
        memory.free()

    with open_device().current():
        check()
