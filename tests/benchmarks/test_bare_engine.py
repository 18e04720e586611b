import numpy as np
from bare_engine import run_frames

from rtsdb.pipeline.run import IN_FLIGHT
from tests.pipeline.doubles import FakeEngine


def test_every_frame_is_run_with_no_more_under_way_than_in_the_pipeline() -> None:
    frames = [np.full((64, 96, 3), grey, np.uint8) for grey in (1, 2, 3)]
    engine = FakeEngine()
    engine.prepare(64, 96)
    speed = run_frames(engine, frames, 7)
    assert (engine.submitted, engine.most_in_use, len(engine.in_use)) == (7, IN_FLIGHT, 0)
    assert speed.fps > 0
