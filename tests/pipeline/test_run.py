import threading
import time

import numpy as np
import pytest

from rtsdb.data.noise_models import GaussianNoise, NoiseSimulator
from rtsdb.noise import NoiseLevel
from tests.pipeline.doubles import FakeEngine, FakeSink, FakeSource
from tests.pipeline.running import run


def test_every_frame_arrives_once_in_order_with_its_stamp() -> None:
    sink = FakeSink()
    summary = run(FakeSource(25), FakeEngine(), sink)
    assert sink.indices() == list(range(25))
    assert [stamp.pts for stamp, _, _ in sink.written] == [3 * i**2 for i in range(25)]
    assert [(least, most) for _, least, most in sink.written] == [(i, i) for i in range(100, 125)]
    assert summary.frames == 25
    assert not summary.dropped


def test_a_slow_sink_holds_the_source_back_and_loses_nothing() -> None:
    ahead = []
    source = FakeSource(20)
    sink = FakeSink(hook=lambda index: (time.sleep(0.01), ahead.append(source.index - index))[0])
    engine = FakeEngine()
    run(source, engine, sink)
    assert sink.indices() == list(range(20))
    assert max(ahead) <= 8
    assert not engine.in_use


def test_a_live_source_drops_the_oldest_and_says_so() -> None:
    release = threading.Event()
    source = FakeSource(40, live=True, hook=lambda index: release.set() if index == 39 else None)
    sink = FakeSink(hook=lambda index: release.wait(60) and None)
    summary = run(source, FakeEngine(), sink)
    assert summary.dropped["queue"] + len(sink.written) == 40
    assert summary.dropped["queue"] > 20
    assert sink.indices() == sorted(sink.indices())
    assert sink.indices()[-1] == 39


def test_the_viewer_can_stop_the_run() -> None:
    engine, sink = FakeEngine(), FakeSink(stop_after=5)
    summary = run(FakeSource(1000), engine, sink)
    assert not engine.in_use
    assert sink.indices() == list(range(5))
    assert summary.frames == 5
    assert not summary.interrupted


def test_only_as_many_frames_as_asked_for() -> None:
    sink = FakeSink()
    run(FakeSource(), FakeEngine(), sink, max_frames=3)
    assert sink.indices() == [0, 1, 2]


def test_a_source_without_frames_is_a_run_of_none() -> None:
    assert run(FakeSource(0), FakeEngine(), FakeSink()).frames == 0


def test_the_engine_is_told_the_given_noise() -> None:
    engine = FakeEngine()
    run(FakeSource(3), engine, FakeSink(), sigma=17.0)
    assert engine.noises == [NoiseLevel(0.0, 289.0)] * 3


def test_the_noise_is_estimated_where_none_is_given() -> None:
    engine = FakeEngine()
    simulate = NoiseSimulator(GaussianNoise.awgn(20), seed=0)
    run(FakeSource(4), engine, FakeSink(), sigma=None, simulate=simulate)
    assert [noise.sigma_at(100) for noise in engine.noises] == pytest.approx([20] * 4, rel=0.15)


@pytest.mark.parametrize("sigma", [17.0, None])
def test_the_sink_is_told_the_noise_and_the_latency(sigma: float | None) -> None:
    engine, sink = FakeEngine(), FakeSink()
    run(FakeSource(4), engine, sink, sigma=sigma)
    assert [noise for noise, _ in sink.told] == engine.noises
    for _, stages in sink.told:
        assert {"capture", "infer", "wait for render"} <= set(stages)


def test_simulated_noise_is_measured_against_the_clean_frames() -> None:
    simulate = NoiseSimulator(GaussianNoise.awgn(0), seed=0)
    summary = run(FakeSource(6), FakeEngine(), FakeSink(), simulate=simulate)
    assert summary.quality.frames == 6
    assert summary.quality.psnr_denoised == np.inf


def test_labels_are_scored_where_there_is_truth() -> None:
    summary = run(FakeSource(6, truth=True), FakeEngine(), FakeSink())
    assert summary.quality.confusion is not None
    assert summary.quality.confusion.miou() == 1.0


def test_every_stage_of_every_frame_is_timed() -> None:
    summary = run(FakeSource(7), FakeEngine(), FakeSink(), sigma=None)
    stages = summary.latency.percentiles()
    assert {row.count for row in stages.values()} == {7}
    wanted = ["capture", "wait for engine", "estimate", "gather", "infer", "stitch"]
    assert list(stages)[:6] == wanted


def test_an_engine_with_too_few_slots_is_refused() -> None:
    with pytest.raises(ValueError, match="slots"):
        run(FakeSource(), FakeEngine(slots=1), FakeSink())
