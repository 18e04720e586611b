from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rtsdb.engine import load_engine
from rtsdb.engine.base import Engine, Result
from rtsdb.errors import RtsdbError, UsageError
from rtsdb.noise import NoiseLevel

Draw = Callable[..., NDArray[np.uint8]]
NOISE = NoiseLevel.awgn(25.0)


def whole(engine: Engine, frame: NDArray[np.uint8]) -> Result:
    """A finished frame with arrays of its own, through submit, result and release."""
    ticket = engine.submit(frame, NOISE)
    found = engine.result(ticket)
    copied = Result(found.denoised.copy(), found.labels.copy(), found.timings)
    engine.release(ticket)
    return copied


def assert_equal(found: Result, wanted: Result) -> None:
    assert np.array_equal(found.denoised, wanted.denoised)
    assert np.array_equal(found.labels, wanted.labels)


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_every_engine_gives_what_torch_gives(draw: Draw, name: str) -> None:
    pytest.importorskip("torch").set_num_threads(1)
    frame = draw(90, 130)
    ours, reference = (
        load_engine("rt", stages=2, engine=name, precision="fp32")(frame, sigma=25)
        for name in (name, "torch")
    )
    apart = np.abs(ours.denoised.astype(int) - reference.denoised)
    assert np.mean(apart <= 1) >= 0.999
    assert np.mean(ours.labels == reference.labels) >= 0.999


@pytest.mark.parametrize("size", [(64, 64), (75, 101)])
def test_any_size_from_64_pixels_works(engine: Engine, draw: Draw, size: tuple[int, int]) -> None:
    frame = draw(*size)
    before = frame.copy()
    denoised, labels, timings = engine(frame, sigma=25)
    assert (denoised.dtype, denoised.shape) == (np.uint8, frame.shape)
    assert (labels.dtype, labels.shape) == (np.uint8, size)
    assert labels.max() < 11
    assert min(astuple(timings)) >= 0
    assert timings.infer > 0
    assert np.array_equal(frame, before)


@pytest.mark.parametrize("size", [(63, 64), (64, 63)])
def test_smaller_frames_are_refused(engine: Engine, size: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="64"):
        engine(np.zeros((*size, 3), np.uint8))


def test_the_noise_level_reaches_the_network(engine: Engine, draw: Draw) -> None:
    frame = draw(64, 96)
    assert not np.array_equal(engine(frame, sigma=0).denoised, engine(frame, sigma=60).denoised)


def test_the_size_cannot_change_with_frames_under_way(engine: Engine, draw: Draw) -> None:
    engine.prepare(64, 96)
    ticket = engine.submit(draw(64, 96), NOISE)
    engine.prepare(64, 96)
    with pytest.raises(RtsdbError, match="under way"):
        engine.prepare(64, 64)
    engine.release(ticket)
    engine.prepare(64, 80)
    assert whole(engine, draw(64, 80)).labels.shape == (64, 80)


def test_results_are_right_in_any_order(engine: Engine, draw: Draw) -> None:
    engine.prepare(64, 96)
    frames = [draw(64, 96, seed) for seed in (1, 2)]
    wanted = [whole(engine, frame) for frame in frames]
    for order in ((0, 1), (1, 0)):
        tickets = [engine.submit(frame, NOISE) for frame in frames]
        for index in order:
            found = engine.result(tickets[index])
            assert_equal(found, wanted[index])
            assert min(astuple(found.timings)) >= 0
            assert found.timings.infer > 0
        for ticket in tickets:
            engine.release(ticket)


def test_a_result_holds_until_its_release(engine: Engine, draw: Draw) -> None:
    engine.prepare(64, 96)
    first = engine.submit(draw(64, 96, 1), NOISE)
    found = engine.result(first)
    kept = Result(found.denoised.copy(), found.labels.copy(), found.timings)
    for seed in (2, 3):
        other = whole(engine, draw(64, 96, seed))
        assert not np.array_equal(other.denoised, kept.denoised)
    assert_equal(found, kept)
    engine.release(first)


def test_frames_beyond_the_slots_are_refused(engine: Engine, draw: Draw) -> None:
    engine.prepare(64, 96)
    frame = draw(64, 96)
    tickets = [engine.submit(frame, NOISE) for _ in range(engine.slots)]
    assert len(set(tickets)) == engine.slots == 2
    with pytest.raises(RtsdbError, match="all 2 slots"):
        engine.submit(frame, NOISE)
    wanted = engine.result(tickets[0])
    engine.release(tickets[1])
    engine.release(tickets[1])  # a second time changes nothing
    again = engine.submit(frame, NOISE)
    with pytest.raises(RtsdbError, match="all 2 slots"):
        engine.submit(frame, NOISE)
    assert_equal(engine.result(again), wanted)
    for ticket in (tickets[0], again):
        engine.release(ticket)


def test_a_frame_that_cannot_be_started_keeps_no_slot(
    engine: Engine, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RtsdbError("lost the device")

    frame = draw(64, 96)
    engine.prepare(64, 96)
    with monkeypatch.context() as patch:
        patch.setattr(engine, "run_slot", fail)
        for _ in range(engine.slots + 1):
            with pytest.raises(RtsdbError, match="lost the device"):
                engine.submit(frame, NOISE)
    assert_equal(whole(engine, frame), engine(frame, sigma=25))


def test_a_slot_released_without_its_result_serves_the_next_frame(
    engine: Engine, draw: Draw
) -> None:
    engine.prepare(64, 96)
    frames = [draw(64, 96, seed) for seed in range(5)]
    wanted = whole(engine, frames[-1])
    for frame in frames[:-1]:
        engine.release(engine.submit(frame, NOISE))
    assert_equal(whole(engine, frames[-1]), wanted)


def test_frames_of_another_size_or_type_are_refused_and_hold_no_slot(
    engine: Engine, draw: Draw
) -> None:
    engine.prepare(64, 96)
    frame = draw(64, 96)
    for wrong in (draw(96, 64), draw(64, 95), frame[..., :1], frame.astype(np.float32)):
        for _ in range(engine.slots):
            with pytest.raises(RtsdbError, match=r"prepared for .*64, 96, 3"):
                engine.submit(wrong, NOISE)
    whole(engine, frame)


def test_a_call_leaves_no_slot_in_use(engine: Engine, draw: Draw) -> None:
    frame = draw(64, 96)
    for _ in range(engine.slots + 1):
        engine(frame)
    for ticket in [engine.submit(frame, NOISE) for _ in range(engine.slots)]:
        engine.release(ticket)


def test_a_call_s_arrays_are_the_caller_s(engine: Engine, draw: Draw) -> None:
    first = engine(draw(64, 96, 1))
    kept = Result(first.denoised.copy(), first.labels.copy(), first.timings)
    for seed in (2, 3):
        engine(draw(64, 96, seed))
    assert_equal(first, kept)


def test_frames_read_in_place_and_copied_frames_give_the_same(engine: Engine, draw: Draw) -> None:
    """In turn on every slot: a copied frame must not meet the memory of the one before."""
    engine.prepare(64, 96)
    frames = [draw(64, 96, seed) for seed in (1, 2)]
    copies = [frame.copy() for frame in frames]
    strided = [np.stack([frame, frame], axis=1)[:, 0] for frame in frames]
    assert not strided[0].flags.c_contiguous
    wanted = [whole(engine, frame) for frame in frames]
    for given, index in ((strided, 1), (frames, 0), (strided, 1), (strided, 0), (frames, 1)):
        for _ in range(engine.slots):
            assert_equal(whole(engine, given[index]), wanted[index])
    for frame, copy in zip(frames, copies, strict=True):
        assert np.array_equal(frame, copy)


def test_frames_that_cannot_be_written_to_are_read(engine: Engine, draw: Draw) -> None:
    engine.prepare(64, 96)
    frame = draw(64, 96)
    wanted = whole(engine, frame)
    locked = np.frombuffer(frame.tobytes(), np.uint8).reshape(frame.shape)
    assert_equal(whole(engine, locked), wanted)


@pytest.mark.parametrize("name", ["openvino", "onnxruntime", "torch"])
def test_tiles_under_way_together_give_the_right_frames(draw: Draw, name: str) -> None:
    if name == "torch":
        pytest.importorskip("torch").set_num_threads(1)
    frames = [draw(70, 130, seed) for seed in (1, 2)]
    with load_engine("rt", engine=name, precision="fp32", tile=(64, 96), halo=0) as engine:
        wanted = [engine(frame) for frame in frames]
        tickets = [engine.submit(frame, NOISE) for frame in frames]
        for index in (1, 0):
            found = engine.result(tickets[index])
            assert_equal(found, wanted[index])
            assert min(astuple(found.timings)) >= 0
        assert engine.plan == "3 tiles of 64x96, halo 0"


def test_tiles_with_a_wide_halo_give_nearly_what_the_whole_frame_gives(draw: Draw) -> None:
    frame = draw(64, 576)
    one = load_engine("rt", precision="fp32")(frame)
    tiled = load_engine("rt", precision="fp32", tile=(192, 64), halo=128)(frame)
    apart = np.abs(one.denoised.astype(int) - tiled.denoised)
    assert np.mean(apart <= 1) >= 0.999
    assert np.mean(one.labels == tiled.labels) >= 0.99


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_closing_twice_and_opening_again_is_fine(draw: Draw, name: str) -> None:
    engine = load_engine("rt", engine=name, precision="fp32")
    frame = draw(64, 64)
    wanted = engine(frame)
    engine.submit(frame, NOISE)
    engine.close()
    engine.close()
    assert engine.plan == "not prepared"
    with pytest.raises(RtsdbError, match="prepared"):
        engine.submit(frame, NOISE)
    assert_equal(engine(frame), wanted)


def test_what_runs_is_said(engine: Engine) -> None:
    info = engine.info
    assert info.name in info.versions
    assert (info.model, info.precision) == ("rt K=1", "fp32")
    assert info.device


def test_auto_is_openvino_at_a_precision_of_its_own() -> None:
    info = load_engine("rt").info
    assert info.name == "openvino"
    assert info.precision in ("fp32", "bf16")


def test_a_slot_that_is_given_back_after_closing_does_no_harm(engine: Engine) -> None:
    frame = np.zeros((64, 64, 3), np.uint8)
    engine.prepare(64, 64)
    ticket = engine.submit(frame, NOISE)
    engine.result(ticket)
    engine.close()
    engine.release(ticket)
    assert engine(frame).denoised.shape == frame.shape


def test_bf16_is_refused_where_fp32_would_run_in_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rtsdb.engine.openvino.has_bf16", lambda: False)
    with pytest.raises(UsageError, match="--precision bf16: this processor has no bfloat16"):
        load_engine("rt", engine="openvino", precision="bf16")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"engine": "tensorrt9"}, "--engine tensorrt9: .*auto, .*openvino, onnxruntime, torch"),
        ({"precision": "int3"}, "--precision int3: .*auto, .*fp32, bf16"),
        ({"engine": "torch", "precision": "bf16"}, "--precision bf16: .*torch .*auto, fp32"),
        ({"engine": "onnxruntime", "precision": "fp16"}, "--precision fp16: .*auto, fp32"),
        ({"model": "rtx"}, "--model rtx"),
        ({"model": "none.onnx"}, "none.onnx: no such file"),
        ({"stages": 0}, "--stages 0"),
        ({"stages": 4}, "--stages 4"),
        ({"stages": 4, "engine": "torch"}, "--stages 4"),
    ],
)
def test_requests_that_cannot_be_met_are_refused(
    arguments: dict[str, object], message: str
) -> None:
    if arguments.get("engine") == "torch":
        pytest.importorskip("torch")
    with pytest.raises(UsageError, match=message):
        load_engine(**arguments)


@pytest.mark.parametrize(("tile", "halo"), [((100, 64), 32), ((64, 64), 5)])
def test_tiles_that_do_not_fit_the_network_are_refused(tile: tuple[int, int], halo: int) -> None:
    with pytest.raises(UsageError, match="multiple"):
        load_engine("rt", tile=tile, halo=halo).prepare(256, 256)


def refused(path: Path, **arguments: str) -> str:
    with pytest.raises(UsageError) as caught:
        load_engine(str(path), **arguments)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("content", [b"", b"not a model\n" * 50, bytes(range(256))])
def test_a_file_that_is_no_onnx_is_refused(tmp_path: Path, content: bytes, engine: str) -> None:
    path = tmp_path / "fake.onnx"
    path.write_bytes(content)
    refused(path, engine=engine)


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_an_onnx_file_without_the_weights_it_refers_to_is_refused(
    tmp_path: Path, engine: str
) -> None:
    from rtsdb.weights import FOLDER

    path = tmp_path / "alone.onnx"
    path.write_bytes((FOLDER / "rt-k1.onnx").read_bytes())
    assert "rt.safetensors" in refused(path, engine=engine)


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_an_onnx_file_with_other_inputs_is_refused(tmp_path: Path, engine: str) -> None:
    onnx = pytest.importorskip("onnx")
    helper, floating = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node("Relu", ["image"], ["mask"])],
        "other",
        [helper.make_tensor_value_info("image", floating, [1, 3, 64, 64])],
        [helper.make_tensor_value_info("mask", floating, [1, 3, 64, 64])],
    )
    path = tmp_path / "other.onnx"
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    assert "frame contract" in refused(path, engine=engine)


def save_thinning(path: Path, shape: list[int | str], stride: int) -> None:
    """A graph with the contract's names and types: keeps every `stride`-th row and column."""
    onnx = pytest.importorskip("onnx")
    helper, types = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("Slice", ["frame", "starts", "ends", "axes", "steps"], ["denoised"]),
        helper.make_node("Cast", ["denoised"], ["floats"], to=types.FLOAT),
        helper.make_node("ReduceMax", ["floats"], ["top"], axes=[3], keepdims=0),
        helper.make_node("Cast", ["top"], ["labels"], to=types.UINT8),
    ]
    numbers = {"starts": [0, 0], "ends": [2**30] * 2, "axes": [1, 2], "steps": [stride] * 2}
    graph = helper.make_graph(
        nodes,
        "thinning",
        [
            helper.make_tensor_value_info("frame", types.UINT8, shape),
            helper.make_tensor_value_info("noise", types.FLOAT, ["n", 2]),
        ],
        [
            helper.make_tensor_value_info("denoised", types.UINT8, [shape[0], "u", "v", 3]),
            helper.make_tensor_value_info("labels", types.UINT8, [shape[0], "u", "v"]),
        ],
        [helper.make_tensor(name, types.INT64, [2], value) for name, value in numbers.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_an_onnx_file_for_one_size_is_refused(tmp_path: Path, engine: str) -> None:
    path = tmp_path / "fixed.onnx"
    save_thinning(path, [1, 64, 96, 3], stride=1)
    assert "frame uint8 [1, 64, 96, 3]" in refused(path, engine=engine)


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_results_of_another_size_than_the_frame_are_one_line(tmp_path: Path, engine: str) -> None:
    path = tmp_path / "half.onnx"
    save_thinning(path, ["n", "h", "w", 3], stride=2)
    with (
        load_engine(str(path), engine=engine, precision="fp32") as opened,
        pytest.raises(RtsdbError) as caught,
    ):
        opened(np.zeros((64, 96, 3), np.uint8))
    assert "\n" not in str(caught.value)
    assert "half.onnx" in str(caught.value) or "onnxruntime failed" in str(caught.value)


def test_a_file_for_the_other_engine_is_refused_with_the_way_out(tmp_path: Path) -> None:
    for name, engine in (("a.onnx", "torch"), ("a.safetensors", "openvino")):
        (tmp_path / name).touch()
        message = refused(tmp_path / name, engine=engine)
        assert "safetensors" in message or "rtsdb export" in message


def test_an_onnx_file_of_one_s_own_runs(draw: Draw) -> None:
    from rtsdb.weights import FOLDER

    path = FOLDER / "rt-k1.onnx"
    with load_engine(str(path), precision="fp32") as engine:
        assert engine.info.model == "rt-k1.onnx"
        assert engine(draw(64, 64)).labels.shape == (64, 64)


def test_ctrl_c_is_survived_after_engines_were_closed_in_any_order() -> None:
    """In a process of its own: where it fails, it is by a segmentation fault."""
    program = """
import faulthandler, gc, signal
from rtsdb.engine import load_engine
faulthandler.enable()  # gives the main thread an alternate signal stack, as pytest does
signal.signal(signal.SIGINT, signal.default_int_handler)
engines = [load_engine("rt"), load_engine("rt"), load_engine("rt")]
for engine in engines:
    engine.prepare(64, 64)
while engines:
    engines.pop(0).close()
    del engine
    gc.collect()
    engine = None
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        print("survived")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["survived"] * 3, f"{done.returncode}: {done.stderr}"
