from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

import cv2  # noqa: E402

from rtsdb.engine.openvino import shared_core  # noqa: E402
from rtsdb.errors import RtsdbError, UsageError  # noqa: E402
from rtsdb.export import export_onnx  # noqa: E402
from rtsdb.models.checkpoint import load_weights, save_weights  # noqa: E402
from rtsdb.models.frame_net import FrameNet  # noqa: E402
from rtsdb.models.metadata import Metadata, read_metadata  # noqa: E402
from rtsdb.models.presets import PRESETS  # noqa: E402
from rtsdb.models.sdb import SDBNet  # noqa: E402
from rtsdb.weights import FOLDER  # noqa: E402
from tests.tiny import TINY, TINY_SDABN, make_sdabn  # noqa: E402

OPERATORS = {
    *("Add", "ArgMax", "AveragePool", "Cast", "Clip", "Concat", "Constant", "Conv", "DepthToSpace"),
    *("Div", "Gather", "Identity", "Mul", "ReduceMean", "Relu", "Resize", "Round", "Sigmoid"),
    *("Slice", "Softmax", "Sqrt", "Squeeze", "Sub", "Transpose", "Unsqueeze"),
}
"""What every runtime that we aim at has kernels for, on CPU and GPU."""

METADATA = Metadata("tiny", 3, "camvid")

Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]
Runner = Callable[[NDArray[np.uint8], NDArray[np.float32]], Pair]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small nets of 1 to 3 stages with their ONNX files, and one that shares its weights."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("export")
    torch.manual_seed(0)
    save_weights(SDBNet(TINY, classes=11, stages=3), folder / "w.st", METADATA)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "tiny", TINY)
        net, metadata = load_weights(folder / "w.st")
    torch.save(net, folder / "net.pt")
    for stages in (1, 2, 3):
        export_onnx(net.grow(stages), folder / f"k{stages}.onnx", metadata)
    export_onnx(net.grow(1), folder / "shared.onnx", metadata, share=folder / "w.st")
    return folder


def tiny(folder: Path, stages: int) -> SDBNet:
    net: SDBNet = torch.load(folder / "net.pt", weights_only=False)
    return net.grow(stages).eval()


@pytest.fixture(scope="module")
def sdabn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small net of the published kind."""
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("sdabn") / "sdabn.onnx"
    export_onnx(make_sdabn(2, classes=19), path, Metadata("tiny-sdabn", 2, "cityscapes"))
    return path


def noisy(count: int, height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth pictures with noise of 25 grey levels."""
    rng = np.random.default_rng(seed)
    frames = np.empty((count, height, width, 3), np.uint8)
    for frame in frames:
        coarse = rng.uniform(0, 255, (height // 16, width // 16, 3))
        smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        frame[:] = np.clip(np.rint(smooth + 25 * rng.standard_normal(frame.shape)), 0, 255)
    return frames


def noise_of(count: int) -> NDArray[np.float32]:
    return np.array([[0.5 * index, 625.0] for index in range(count)], np.float32)


def torch_runner(net: SDBNet) -> Runner:
    def run(frames: NDArray[np.uint8], noise: NDArray[np.float32]) -> Pair:
        with torch.inference_mode():
            found = FrameNet(net)(torch.from_numpy(frames), torch.from_numpy(noise))
        return found[0].numpy(), found[1].numpy()

    return run


def ort_runner(path: Path) -> Runner:
    ort = pytest.importorskip("onnxruntime")
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda frames, noise: tuple(
        session.run(["denoised", "labels"], {"frame": frames, "noise": noise})
    )


def openvino_runner(path: Path) -> Runner:
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    compiled = shared_core().compile_model(path, "CPU", settings)

    def run(frames: NDArray[np.uint8], noise: NDArray[np.float32]) -> Pair:
        found = compiled({"frame": frames, "noise": noise})
        return found["denoised"], found["labels"]

    return run


RUNNERS = {"onnxruntime": ort_runner, "openvino": openvino_runner}


def assert_same(found: Pair, wanted: Pair) -> None:
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours.dtype == theirs.dtype == np.uint8
        assert ours.shape == theirs.shape
    apart = np.abs(found[0].astype(int) - wanted[0])
    assert np.mean(apart <= 1) >= 0.999
    assert np.mean(found[1] == wanted[1]) >= 0.999


@pytest.mark.parametrize("runtime", list(RUNNERS))
@pytest.mark.parametrize("stages", [1, 2, 3])
def test_exported_nets_give_what_torch_gives_at_any_size_and_batch(
    folder: Path, stages: int, runtime: str
) -> None:
    run, reference = (
        RUNNERS[runtime](folder / f"k{stages}.onnx"),
        torch_runner(tiny(folder, stages)),
    )
    for count, height, width in ((1, 96, 160), (2, 128, 64)):
        frames, noise = noisy(count, height, width), noise_of(count)
        assert_same(run(frames, noise), reference(frames, noise))


@pytest.mark.parametrize("runtime", list(RUNNERS))
def test_published_nets_run_by_the_same_contract(sdabn: Path, runtime: str) -> None:
    run, reference = RUNNERS[runtime](sdabn), torch_runner(make_sdabn(2, classes=19))
    for count, height, width in ((1, 96, 160), (2, 64, 64)):
        frames, noise = noisy(count, height, width), noise_of(count)
        wanted = reference(frames, noise)
        assert_same(run(frames, noise), wanted)
        assert len(np.unique(wanted[0])) > 100
        assert len(np.unique(wanted[1])) > 2


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_shipped_onnx_files_give_what_the_shipped_weights_give(stages: int) -> None:
    net, _ = load_weights(FOLDER / "rt.safetensors", stages=stages)
    frames, noise = noisy(1, 96, 128), noise_of(1)
    run = ort_runner(FOLDER / f"rt-k{stages}.onnx")
    assert_same(run(frames, noise), torch_runner(net)(frames, noise))


def test_shared_weights_give_the_same_as_a_copy_of_them(folder: Path) -> None:
    frames, noise = noisy(2, 64, 96), noise_of(2)
    shared, copied = (ort_runner(folder / f"{name}.onnx") for name in ("shared", "k1"))
    for ours, theirs in zip(shared(frames, noise), copied(frames, noise), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("kind", ["rt", "sdabn"])
def test_the_frame_contract_is_in_the_file(folder: Path, sdabn: Path, kind: str) -> None:
    model = onnx.load(folder / "k3.onnx" if kind == "rt" else sdabn)
    onnx.checker.check_model(model)

    def describe(values: object) -> dict[str, tuple[int, list[object]]]:
        tensors = {value.name: value.type.tensor_type for value in values}
        return {
            name: (tensor.elem_type, [d.dim_param or d.dim_value for d in tensor.shape.dim])
            for name, tensor in tensors.items()
        }

    byte, floating = onnx.TensorProto.UINT8, onnx.TensorProto.FLOAT
    assert describe(model.graph.input) == {
        "frame": (byte, ["n", "h", "w", 3]),
        "noise": (floating, ["n", 2]),
    }
    outputs = describe(model.graph.output)
    assert list(outputs) == ["denoised", "labels"]
    assert [kind for kind, _ in outputs.values()] == [byte, byte]
    assert outputs["denoised"][1][3:] == [3]
    assert len(outputs["labels"][1]) == 3
    assert not any(isinstance(size, int) for size in outputs["labels"][1])


@pytest.mark.parametrize("name", ["k1", "k2", "k3", "shared"])
def test_bytes_are_cast_first_and_last(folder: Path, name: str) -> None:
    graph = onnx.load(folder / f"{name}.onnx").graph
    assert {node.op_type for node in graph.node if "frame" in node.input} == {"Cast"}
    makers = {output: node for node in graph.node for output in node.output}
    for output in graph.output:
        assert makers[output.name].op_type == "Cast"
        assert makers[output.name].attribute[0].i == onnx.TensorProto.UINT8


@pytest.mark.parametrize("name", ["k1", "k2", "k3", "shared"])
def test_only_plain_operators_are_used(folder: Path, name: str) -> None:
    model = onnx.load(folder / f"{name}.onnx")
    assert {node.op_type for node in model.graph.node} <= OPERATORS
    assert {entry.domain for entry in model.opset_import} <= {"", "ai.onnx"}


def test_the_published_net_needs_one_operator_more(sdabn: Path) -> None:
    kinds = {node.op_type for node in onnx.load(sdabn).graph.node}
    assert kinds - OPERATORS == {"LeakyRelu"}


def test_the_file_says_what_it_is(
    folder: Path, sdabn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PRESETS, "tiny", TINY)
    monkeypatch.setitem(PRESETS, "tiny-sdabn", TINY_SDABN)
    assert read_metadata(folder / "k1.onnx") == replace(METADATA, stages=1)
    assert read_metadata(folder / "shared.onnx") == replace(METADATA, stages=1)
    assert read_metadata(sdabn) == Metadata("tiny-sdabn", 2, "cityscapes")


def test_weights_in_float32_cannot_be_shared(tmp_path: Path) -> None:
    net, metadata = make_sdabn(1), Metadata("tiny-sdabn", 1, "camvid")
    save_weights(net, tmp_path / "w.st", metadata)
    with pytest.raises(UsageError, match=r"w\.st: holds no float16 weights"):
        export_onnx(net, tmp_path / "k1.onnx", metadata, share=tmp_path / "w.st")
    assert [path.name for path in tmp_path.iterdir()] == ["w.st"]


def test_a_file_that_shares_its_weights_holds_only_the_graph(folder: Path) -> None:
    assert (folder / "shared.onnx").stat().st_size < 0.6 * (folder / "k1.onnx").stat().st_size
    graph = onnx.load(folder / "shared.onnx", load_external_data=False).graph
    outside = [t for t in graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]
    assert len(outside) > 50
    for tensor in outside:
        assert tensor.data_type == onnx.TensorProto.FLOAT16
        assert {e.key: e.value for e in tensor.external_data}["location"] == "w.st"


def test_weights_in_another_folder_cannot_be_shared(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "k1.onnx"
    with pytest.raises(UsageError) as caught:
        export_onnx(tiny(folder, 1), path, METADATA, share=folder / "w.st")
    assert str(path) in str(caught.value)
    assert str(folder / "w.st") in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_export_leaves_only_the_file(folder: Path) -> None:
    assert not list(folder.glob("*.part"))


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_named_and_nothing_is_left(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RtsdbError, match=r"k1\.onnx: cannot be written: No space left"):
        export_onnx(tiny(folder, 1), tmp_path / "k1.onnx", METADATA)
    assert not list(tmp_path.iterdir())
