"""What ONNX Runtime's engine does beside running frames: threads, providers, the GPU's choices."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ort = pytest.importorskip("onnxruntime")

from rtsdb.engine import load_engine, onnxruntime  # noqa: E402
from rtsdb.engine.onnxruntime import (  # noqa: E402
    CPU,
    GPU_PROVIDERS,
    OnnxRuntimeGpuEngine,
    open_session,
)
from rtsdb.errors import MissingPackageError, RtsdbError  # noqa: E402
from rtsdb.gpu import Gpu  # noqa: E402
from rtsdb.noise import NoiseLevel  # noqa: E402
from rtsdb.weights import FOLDER  # noqa: E402

CUDA = "CUDAExecutionProvider"
ADA = Gpu("NVIDIA GeForce RTX 4090", "sm89", 24 << 30, integrated=False, cuda="13.0")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A machine with a GPU on which only CUDA starts; the files that are opened are listed.

    What claims to be CUDA is the CPU.
    """
    opened: list[str] = []
    real = ort.InferenceSession

    class Session:
        def __init__(self, model: str, options: Any, providers: list[str], **_: Any) -> None:
            opened.append(Path(model).name)
            self.claimed = [name for name in providers if name in (CUDA, CPU)]
            self.session = real(model, options, providers=[CPU])

        def get_providers(self) -> list[str]:
            return self.claimed

        def __getattr__(self, name: str) -> Any:
            return getattr(self.session, name)

    monkeypatch.setattr(ort, "InferenceSession", Session)
    monkeypatch.setattr(ort, "get_available_providers", lambda: [*GPU_PROVIDERS[1:], CPU])
    monkeypatch.setattr(onnxruntime, "find_gpus", lambda: [ADA])
    return opened


def test_threads_are_as_many_as_the_process_may_use_and_end_with_the_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 5, 7})
    session = open_session(FOLDER / "rt-k1.onnx", [CPU])
    assert session.get_session_options().intra_op_num_threads == 3
    before = set(threading.enumerate())  # of which some may be about to end
    engine = load_engine("rt", engine="onnxruntime")
    engine(np.zeros((64, 64, 3), np.uint8))
    (thread,) = set(threading.enumerate()) - before
    engine.close()
    assert not thread.is_alive()


def test_a_run_that_fails_is_one_line_and_the_engine_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame = np.zeros((64, 64, 3), np.uint8)
    with load_engine("rt", engine="onnxruntime") as engine:
        wanted = engine(frame)

        def fail(binding: object) -> None:
            raise ValueError("[ONNXRuntimeError] : 6 : out of memory\nat line 5")

        with monkeypatch.context() as patch:
            patch.setattr(engine._session, "run_with_iobinding", fail)
            ticket = engine.submit(frame, NoiseLevel.awgn(25))
            with pytest.raises(RtsdbError) as caught:
                engine.result(ticket)
            engine.release(ticket)
        assert str(caught.value) == ("onnxruntime failed: [ONNXRuntimeError] : 6 : out of memory")
        assert np.array_equal(engine(frame).denoised, wanted.denoised)


def test_without_a_provider_for_gpus_the_package_is_missing() -> None:
    if set(GPU_PROVIDERS) & set(ort.get_available_providers()):
        pytest.skip("this onnxruntime has providers for GPUs")
    with pytest.raises(MissingPackageError, match=r"rtsdb\[onnxruntime-gpu\]"):
        OnnxRuntimeGpuEngine.probe()


def test_providers_that_do_not_start_are_passed_over(gpu: list[str]) -> None:
    OnnxRuntimeGpuEngine.probe()
    assert len(gpu) == 2  # TensorRT, which does not start, and CUDA
    with load_engine("rt", engine="onnxruntime-gpu") as engine:
        assert engine.info.name == "onnxruntime-gpu"
        assert engine.info.device == "NVIDIA GeForce RTX 4090, CUDAExecutionProvider"
        assert engine.info.precision == "fp16"
        assert gpu[-1] == "rt-k1.fp16.onnx"
        assert engine(np.zeros((64, 64, 3), np.uint8)).labels.shape == (64, 64)


def test_a_gpu_takes_float32_where_there_is_no_float16_graph(
    gpu: list[str], tmp_path: Path
) -> None:
    for name in ("rt-k1.onnx", "rt.safetensors"):
        (tmp_path / name).write_bytes((FOLDER / name).read_bytes())
    engine = load_engine(str(tmp_path / "rt-k1.onnx"), engine="onnxruntime-gpu")
    assert (engine.info.precision, gpu[-1]) == ("fp32", "rt-k1.onnx")


def test_what_a_gpu_builds_for_a_size_is_built_before_the_first_frame(
    gpu: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with load_engine("rt", engine="onnxruntime-gpu") as engine:
        session, runs = engine._session.session, []
        real = session.run_with_iobinding
        monkeypatch.setattr(session, "run_with_iobinding", lambda b: (runs.append(b), real(b)))
        for height, count in ((64, 1), (64, 1), (96, 2)):
            engine.prepare(height, 64)
            assert len(runs) == count

        def fail(binding: object) -> None:
            raise RuntimeError("TensorRT EP failed to create engine\nfor 64x64")

        monkeypatch.setattr(session, "run_with_iobinding", fail)
        with pytest.raises(RtsdbError, match=r"^onnxruntime-gpu failed: TensorRT .* engine$"):
            engine.prepare(64, 64)


def test_no_provider_that_starts_is_an_error_and_never_the_cpu(
    gpu: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ort.InferenceSession, "get_providers", lambda self: [CPU])
    with pytest.raises(RtsdbError, match=f"starts none of .*{CUDA} .*a library .* is missing"):
        OnnxRuntimeGpuEngine.probe()
    with pytest.raises(RtsdbError, match="starts none of"):
        load_engine("rt", engine="onnxruntime-gpu")


def test_a_provider_that_is_not_built_in_is_not_taken_for_started() -> None:
    if CUDA in ort.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    with pytest.raises(RtsdbError, match=rf"starts none of {CUDA} here \(not built in\)"):
        open_session(FOLDER / "rt-k1.onnx", [CUDA])


def test_a_provider_that_fails_is_one_line_and_not_replaced_by_the_cpu(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = "BrokenExecutionProvider"
    monkeypatch.setattr(ort, "get_available_providers", lambda: [broken, CPU])
    with pytest.raises(RtsdbError, match=rf"starts none of {broken} here \(.*{broken}") as caught:
        open_session(FOLDER / "rt-k1.onnx", [broken])
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")
