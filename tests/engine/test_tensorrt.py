"""Frames through TensorRT's engines, on doubles of the CUDA driver and of TensorRT."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from rtsdb.engine import load_engine
from rtsdb.engine.base import Engine
from rtsdb.engine.onnxruntime import OnnxRuntimeEngine
from rtsdb.engine.registry import ENGINES, choose
from rtsdb.engine.tensorrt_build import Profile
from rtsdb.engine.tensorrt_flavour import Flavour
from rtsdb.errors import RtsdbError, UsageError
from rtsdb.gpu import Gpu
from rtsdb.pipeline.run import ENGINE_SLOTS, Pipeline
from rtsdb.pipeline.stage import StageError
from rtsdb.video.frame import FrameResult, Image, Labels, SourceInfo, Stamp
from rtsdb.video.sinks.base import Sink
from rtsdb.video.sources.base import Source
from rtsdb.weights import FOLDER, find_model
from tests.cuda_double import control
from tests.cuda_double.harness import on_double
from tests.engine.tensorrt_double import (
    VERSIONS,
    IExecutionContext,
    ILogger,
    build,
    installed,
)

Pictures = list[tuple[Image, Labels]]

CASES: dict[str, dict[str, Any]] = {
    "whole frame": {"size": (64, 96), "tile": None},
    "tiles": {"size": (75, 150), "tile": (64, 64)},
}
"""Sizes as (height, width) and tiles as (width, height)."""


def draw(count: int, height: int, width: int) -> list[Image]:
    """Smooth pictures with noise, all different."""
    rng = np.random.default_rng(0)
    pictures = []
    for _ in range(count):
        coarse = rng.uniform(0, 255, (height // 16 + 2, width // 16 + 2, 3))
        smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        noisy = smooth + 25 * rng.standard_normal(smooth.shape)
        pictures.append(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    return pictures


class FramesInMemory(Source):
    def __init__(self, frames: list[Image]) -> None:
        self.frames = iter(enumerate(frames))
        self.info = SourceInfo("memory", frames[0].shape[1], frames[0].shape[0])

    def read(self, into: Image) -> Stamp | None:
        index, frame = next(self.frames, (0, None))
        if frame is None:
            return None
        into[:] = frame
        return Stamp(index, index, Fraction(1, 30))


class ResultsInMemory(Sink):
    def __init__(self) -> None:
        self.results: Pictures = []

    def open(self, source: SourceInfo, view_size: tuple[int, int]) -> None:
        pass

    def write(self, result: FrameResult) -> bool:
        self.results.append((result.denoised.copy(), result.labels.copy()))
        return True


def through_pipeline(engine: Engine, frames: list[Image]) -> Pictures:
    source, sink = FramesInMemory(frames), ResultsInMemory()
    Pipeline(source, engine, sink, composer=None, classes=11).run()
    return sink.results


def reference(frames: list[Image], tile: tuple[int, int] | None) -> Pictures:
    """What ONNX Runtime gives on the host for the graph that engines are built from."""
    graph = FOLDER / "rt-k1.onnx"
    with OnnxRuntimeEngine(
        graph, label="", precision="fp16", tile=tile, halo=32, slots=ENGINE_SLOTS
    ) as engine:
        return through_pipeline(engine, frames)


def same(found: Pictures, wanted: Pictures) -> bool:
    return len(found) == len(wanted) and all(
        np.array_equal(a, b)
        for one, other in zip(found, wanted, strict=True)
        for a, b in zip(one, other, strict=True)
    )


def open_engine(kind: str = "tensorrt-rtx", **settings: Any) -> Any:
    return load_engine("rt", engine=kind.split()[0], **{"halo": 32, **settings})


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("integrated", ["0", "1"])
@on_double()
def test_frames_through_the_pipeline_are_those_of_onnx_runtime(case: str, integrated: str) -> None:
    os.environ["CUDA_DOUBLE_INTEGRATED"] = integrated
    tile = CASES[case]["tile"]
    frames = draw(8, *CASES[case]["size"])
    wanted = reference(frames, tile)
    with installed("tensorrt-rtx"), open_engine(tile=tile, slots=ENGINE_SLOTS) as engine:
        for order in control.every_order():
            assert same(through_pipeline(engine, frames), wanted), order


WAITS = {
    "the network waits for the upload": ("Stream", "wait_for_event", 0),
    "the download waits for the network": ("Stream", "wait_for_event", 1),
    "the host waits for the download": ("Event", "synchronize", None),
}
"""Each as a method of pycuda, and which of two calls in turn; None: every one."""


@pytest.mark.parametrize("wait", WAITS)
@on_double()
def test_a_pipeline_without_any_of_the_waits_goes_wrong(wait: str) -> None:
    from pycuda import driver

    owner, method, which = WAITS[wait]
    waits = getattr(driver, owner)
    original, turns = getattr(waits, method), itertools.cycle(range(2))

    def call(self: Any, *arguments: Any) -> None:
        if which not in (None, next(turns)):
            original(self, *arguments)

    frames = draw(8, 64, 96)
    wanted = reference(frames, None)
    with installed("tensorrt-rtx"), open_engine(slots=ENGINE_SLOTS) as engine:
        control.set_order("lazy")
        assert same(through_pipeline(engine, frames), wanted)
        with patch.object(waits, method, call):
            try:
                right = same(through_pipeline(engine, frames), wanted)
            except StageError:
                right = False
        assert not right


# Flavours and versions, engine files, memory


@pytest.mark.parametrize("kind", VERSIONS)
@on_double(name="Some GPU")
def test_every_flavour_and_version_gives_the_same_frames(kind: str) -> None:
    (frame,) = draw(1, 75, 150)
    with OnnxRuntimeEngine(FOLDER / "rt-k2.onnx", label="", precision="fp16") as engine:
        wanted = engine(frame)
    with installed(kind), open_engine(kind, stages=2) as engine:
        found = engine(frame)
        assert np.array_equal(found.denoised, wanted.denoised)
        assert np.array_equal(found.labels, wanted.labels)
        assert engine.info.name == kind.split()[0]
        assert (engine.info.model, engine.info.precision) == ("rt K=2", "fp16")
        assert engine.info.device == "Some GPU"
        assert engine.info.versions[engine.info.name] == VERSIONS[kind]


@pytest.mark.parametrize(("kind", "memories"), [("tensorrt", 1), ("tensorrt 8.6", 3)])
@on_double(integrated="1")
def test_contexts_share_their_memory_where_they_can(kind: str, memories: int) -> None:
    with installed(kind), open_engine(kind, slots=3) as engine:
        for size in ((64, 96), (96, 64)):
            engine.prepare(*size)
            assert control.counts().device_allocations == memories
    assert control.counts().device_allocations == 0


@on_double()
def test_an_engine_is_built_for_the_tiles_once() -> None:
    with installed("tensorrt-rtx") as build:
        for size, builds in (((64, 96), 1), ((64, 96), 1), ((96, 64), 2)):
            with open_engine() as engine:
                engine.prepare(*size)
                assert build.call_count == builds
        assert len(list(Path("engines").glob("*.engine"))) == 2
        assert build.call_args.args[1].name == "rt-k1.fp16.onnx"
        assert build.call_args.kwargs["targets"] == ("sm86",)


# Failures: one line each


@on_double()
def test_a_precision_whose_graph_is_missing_is_told_how_to_make_it() -> None:
    with TemporaryDirectory() as folder:
        path = shutil.copy(FOLDER / "rt-k1.onnx", folder)
        with installed("tensorrt"):
            engine = load_engine(path, engine="tensorrt")
            with pytest.raises(UsageError, match=r"rt-k1.fp16.onnx: .*export --precision fp16"):
                engine.prepare(64, 96)
        with pytest.raises(
            UsageError, match="--precision fp32: the tensorrt engine has auto, fp16"
        ):
            load_engine(path, engine="tensorrt", precision="fp32")


@pytest.mark.parametrize("kind", VERSIONS)
@on_double()
def test_out_of_memory_is_one_line_and_leaves_nothing_behind(kind: str) -> None:
    line = r"^CUDA driver double: [^\n]*out of memory[^\n]*, with \d+ of 8192 MiB free on the GPU"
    (frame,) = draw(1, 64, 96)
    with installed(kind), open_engine(kind) as engine:
        for granted in range(3):
            control.refuse_allocations_after(granted)
            with pytest.raises(RtsdbError, match=line):
                engine.prepare(64, 96)
            gc.collect()
            assert control.counts().device_allocations == 0, granted
        control.refuse_allocations_after(-1)
        assert engine(frame).labels.shape == (64, 96)


def refuse(self: IExecutionContext, *_: Any) -> bool:
    message = "IExecutionContext::enqueueV3: Error Code 1: Cuda Driver\n(unspecified)"
    self.engine.logger.log(ILogger.ERROR, message)
    return False


@on_double()
def test_what_tensorrt_refuses_is_one_line_in_its_words() -> None:
    line = r"^tensorrt-rtx 1\.7\.1 cannot run rt K=1: IExec[^\n]* Cuda Driver \(unspecified\)$"
    (frame,) = draw(1, 64, 96)
    for method in (
        "set_optimization_profile_async",
        "set_input_shape",
        "set_tensor_address",
        "execute_async_v3",
    ):
        with installed("tensorrt-rtx"), open_engine() as engine:
            refused = patch.object(IExecutionContext, method, refuse)
            with refused, pytest.raises(RtsdbError, match=line):
                engine(frame)
            assert engine(frame).labels.shape == (64, 96)


@on_double()
def test_a_batch_beyond_the_profile_is_refused_by_tensorrt() -> None:
    def build_for_one(flavour: Flavour, graph: Path, *, profile: Profile, **_: Any) -> bytes:
        return build(flavour, graph, profile=replace(profile, batch=1))

    with installed("tensorrt-rtx") as builds, open_engine(tile=(64, 64)) as engine:
        builds.side_effect = build_for_one
        with pytest.raises(RtsdbError, match=r"cannot run rt K=1: .*frame \(2, 64, 96, 3\) is not"):
            engine.prepare(64, 128)


@on_double(capability="8.7")
def test_a_gpu_that_rtx_does_not_know_is_left_to_tensorrt() -> None:
    with installed("tensorrt-rtx"), pytest.raises(RtsdbError, match=r"not build for sm87"):
        ENGINES["tensorrt-rtx"].probe()
    with installed("tensorrt"):
        ENGINES["tensorrt"].probe()


@on_double()
def test_a_driver_that_does_not_suit_tensorrt_is_left_to_the_next_engine() -> None:
    def null(logger: Any) -> None:
        logger.log(ILogger.ERROR, "CUDA initialization failure\nwith error: 35")
        raise TypeError("pybind11::init(): factory function returned nullptr")

    line = r"^tensorrt 10\.3\.0 does not start \(CUDA [^\n]* 35\); does the NVIDIA driver suit"
    with installed("tensorrt"):
        sys.modules["tensorrt"].Runtime = null  # type: ignore[attr-defined]
        with pytest.raises(RtsdbError, match=line):
            ENGINES["tensorrt"].probe()
        with open_engine("tensorrt") as engine, pytest.raises(RtsdbError, match=line):
            engine.prepare(64, 96)
        assert choose(find_model("rt", 1), "auto").name != "tensorrt"


@on_double()
def test_a_network_that_needs_no_memory_to_work_in_runs() -> None:
    (frame,) = draw(1, 64, 96)
    with (
        patch("tests.engine.tensorrt_double.SCRATCH", 0),
        patch("tests.engine.tensorrt_double.ICudaEngine.device_memory_size_v2", 0),
        installed("tensorrt-rtx"),
        open_engine() as engine,
    ):
        assert engine(frame).labels.shape == (64, 96)


@pytest.mark.parametrize("name", ["tensorrt", "tensorrt-rtx"])
def test_without_a_driver_it_says_so(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(library: str) -> None:
        raise OSError(f"{library}: cannot open shared object file")

    monkeypatch.setattr("ctypes.CDLL", absent)
    with installed(name):
        for use in (ENGINES[name].probe, lambda: load_engine("rt", engine=name)):
            with pytest.raises(RtsdbError, match=r"^no NVIDIA driver: libcuda\.so\.1 [^\n]*$"):
                use()


def test_a_gpu_without_pycuda_is_worth_a_word(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ada = Gpu("NVIDIA GeForce RTX 4090", "sm89", 24 << 30, integrated=False, cuda="13.0")
    monkeypatch.setattr("rtsdb.engine.cuda.device.find_gpus", lambda: [ada])
    monkeypatch.setitem(sys.modules, "pycuda", None)
    with installed("tensorrt"):
        choose(find_model("rt", 1), "auto")
    assert caplog.messages[0] == (
        "--engine tensorrt does not work here: "
        "the package 'pycuda' is not installed: pip install 'rtsdb[cuda]'"
    )
