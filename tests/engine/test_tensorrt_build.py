"""Real engines, built without a GPU by TensorRT-RTX, which compiles for GPUs that are not there."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

trt = pytest.importorskip("tensorrt_rtx", reason="needs tensorrt-rtx-cu13, of the extra 'dev'")
onnx = pytest.importorskip("onnx")

from rtsdb.engine.contract import CONTRACT  # noqa: E402
from rtsdb.engine.tensorrt_build import (  # noqa: E402
    Profile,
    build_engine,
    check_convolutions,
    optimisation_profile,
    parse_graph,
    set_targets,
)
from rtsdb.engine.tensorrt_flavour import Flavour, error_log, load_flavour  # noqa: E402
from rtsdb.errors import RtsdbError, UsageError  # noqa: E402
from rtsdb.weights import FOLDER  # noqa: E402

TARGETS = ("sm75", "sm86", "sm89", "sm120")
SMALL = Profile(2, 64, 96)


@pytest.fixture(scope="module")
def rtx() -> Flavour:
    return load_flavour("tensorrt-rtx")


@pytest.fixture(scope="module")
def sdabn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published network with one stage, random weights, in float16."""
    torch = pytest.importorskip("torch")
    from rtsdb.export import export_onnx
    from rtsdb.models.metadata import Metadata
    from rtsdb.models.presets import preset
    from rtsdb.models.sdb import SDBNet

    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("sdabn") / "sdabn-k1.fp16.onnx"
    net = SDBNet(preset("sdabn"), classes=11, stages=1).eval()
    export_onnx(net, path, Metadata("sdabn", 1, "camvid"), precision="fp16")
    return path


def parsed(flavour: Flavour, graph: Path) -> tuple[Any, Any]:
    """A network, and the builder that must live as long."""
    logger, errors = error_log(flavour)
    builder = flavour.trt.Builder(logger)
    network = parse_graph(flavour, builder, graph, logger)
    assert not errors
    return network, builder


def check_network(network: Any) -> None:
    """Names, types and shapes of the frame contract; no convolution in float32."""
    tensors = [network.get_input(index) for index in range(network.num_inputs)]
    tensors += [network.get_output(index) for index in range(network.num_outputs)]
    assert [(tensor.name, tensor.dtype, tuple(tensor.shape)) for tensor in tensors] == [
        ("frame", trt.uint8, (-1, -1, -1, 3)),
        ("noise", trt.float32, (-1, 2)),
        ("denoised", trt.uint8, (-1, -1, -1, 3)),
        ("labels", trt.uint8, (-1, -1, -1)),
    ]
    layers = [network.get_layer(index) for index in range(network.num_layers)]
    kinds = (trt.LayerType.CONVOLUTION, trt.LayerType.DECONVOLUTION)
    convolutions = [layer for layer in layers if layer.type in kinds]
    assert convolutions
    for layer in convolutions:
        assert layer.get_input(0).dtype == layer.get_output(0).dtype == trt.float16


@pytest.mark.parametrize("precision", ["fp16", "int8"])
@pytest.mark.parametrize("stages", [1, 2, 3])
def test_shipped_graphs_build_for_every_generation(
    rtx: Flavour, stages: int, precision: str
) -> None:
    graph = FOLDER / f"rt-k{stages}.{precision}.onnx"
    check_network(parsed(rtx, graph)[0])
    told: list[float] = []
    engine = build_engine(
        rtx,
        graph,
        precision=precision,
        profile=SMALL,
        targets=TARGETS,
        report=lambda what, share: told.append(share),
    )
    assert len(engine) > 1e6
    assert told == sorted(told)
    assert told[0] >= 0
    assert 0.5 < told[-1] <= 1


def test_int8_weights_and_activations_meet_in_most_convolutions(rtx: Flavour) -> None:
    network, _builder = parsed(rtx, FOLDER / "rt-k1.int8.onnx")
    layers = [network.get_layer(index) for index in range(network.num_layers)]
    dequantised = {x.get_output(0).name for x in layers if x.type == trt.LayerType.DEQUANTIZE}
    convolutions = [layer for layer in layers if layer.type == trt.LayerType.CONVOLUTION]
    inputs = [[x.get_input(0), x.get_input(1)] for x in convolutions]
    both = [pair for pair in inputs if all(t and t.name in dequantised for t in pair)]
    assert len(both) > 0.7 * len(convolutions)


@pytest.mark.parametrize("target", TARGETS)
def test_the_smallest_graph_builds_for_each_generation_alone(rtx: Flavour, target: str) -> None:
    graph = FOLDER / "rt-k1.fp16.onnx"
    assert build_engine(rtx, graph, precision="fp16", profile=SMALL, targets=[target])


def test_the_published_network_builds(rtx: Flavour, sdabn: Path) -> None:
    check_network(parsed(rtx, sdabn)[0])
    assert build_engine(rtx, sdabn, precision="fp16", profile=Profile(1, 64, 64), targets=TARGETS)


def test_the_profile_is_tiles_of_one_size_in_batches_of_1_to_all(rtx: Flavour) -> None:
    builder = rtx.trt.Builder(error_log(rtx)[0])
    made = optimisation_profile(builder, Profile(4, 640, 1152))
    assert [tuple(shape) for shape in made.get_shape("frame")] == [
        (1, 640, 1152, 3),
        (4, 640, 1152, 3),
        (4, 640, 1152, 3),
    ]
    assert [tuple(shape) for shape in made.get_shape("noise")] == [(1, 2), (4, 2), (4, 2)]


def test_an_engine_is_for_all_targets_in_their_order(rtx: Flavour) -> None:
    builder = rtx.trt.Builder(error_log(rtx)[0])  # must live as long as its config
    config = builder.create_builder_config()
    set_targets(rtx, config, TARGETS)
    found = map(config.get_compute_capability, range(config.num_compute_capabilities))
    assert [capability.name.lower() for capability in found] == list(TARGETS)


def test_a_graph_in_float32_is_no_fp16_engine(rtx: Flavour) -> None:
    graph = FOLDER / "rt-k1.onnx"
    with pytest.raises(UsageError, match=r"\d+ convolutions are float32 .*--precision fp16"):
        build_engine(rtx, graph, precision="fp16", profile=SMALL, targets=["sm89"])
    network, _builder = parsed(rtx, FOLDER / "rt-k1.fp16.onnx")
    check_convolutions(rtx, network, graph)


@pytest.mark.parametrize("content", [b"", b"not a model\n" * 50])
def test_a_file_that_is_no_onnx_is_one_line(rtx: Flavour, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "fake.onnx"
    path.write_bytes(content)
    message = refused(rtx, path)
    assert "fake.onnx" in message


def test_a_graph_without_its_weights_is_one_line(rtx: Flavour, tmp_path: Path) -> None:
    path = tmp_path / "alone.fp16.onnx"
    path.write_bytes((FOLDER / "rt-k1.fp16.onnx").read_bytes())
    assert "alone.fp16.onnx" in refused(rtx, path)


def test_a_graph_that_breaks_the_contract_is_one_line(rtx: Flavour, tmp_path: Path) -> None:
    helper, half = onnx.helper, onnx.TensorProto.FLOAT16
    graph = helper.make_graph(
        [helper.make_node("Relu", ["image"], ["mask"])],
        "other",
        [helper.make_tensor_value_info("image", half, [1, 3, 64, 64])],
        [helper.make_tensor_value_info("mask", half, [1, 3, 64, 64])],
    )
    path = tmp_path / "other.onnx"
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    message = refused(rtx, path)
    assert "are image half [1, 3, 64, 64], mask half [1, 3, 64, 64], not rtsdb's" in message


def refused(flavour: Flavour, path: Path) -> str:
    with pytest.raises(RtsdbError) as caught:
        build_engine(flavour, path, precision="fp16", profile=SMALL, targets=["sm89"])
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_tensorrt_refuses_is_said_in_its_words(rtx: Flavour) -> None:
    """A frame that is no multiple of 32 has parts of different sizes to add."""
    with pytest.raises(RtsdbError, match=r"rt-k1.fp16.onnx: tensorrt-rtx .* cannot build it: \w"):
        build_engine(
            rtx,
            FOLDER / "rt-k1.fp16.onnx",
            precision="fp16",
            profile=Profile(1, 66, 70),
            targets=["sm89"],
        )


class Weak:
    """What of TensorRT 8.6 a build touches: layers choose their types, allowed by flags."""

    __version__ = "8.6.1"
    uint8, float32 = Enum("DataType", ["UINT8", "FLOAT"])
    NetworkDefinitionCreationFlag = SimpleNamespace(EXPLICIT_BATCH=0)
    BuilderFlag = SimpleNamespace(FP16="FP16", INT8="INT8")
    PreviewFeature = SimpleNamespace(PROFILE_SHARING_0806="PROFILE_SHARING_0806")

    class ILogger:
        INTERNAL_ERROR, ERROR = 0, 1

    def __init__(self) -> None:
        self.flags: list[str] = []

    def Builder(self, logger: object) -> object:
        return SimpleNamespace(
            create_network=self.network,
            create_optimization_profile=lambda: SimpleNamespace(set_shape=lambda *shapes: None),
            create_builder_config=lambda: SimpleNamespace(
                add_optimization_profile=lambda profile: 0,
                set_flag=self.flags.append,
                set_preview_feature=lambda feature, on: self.flags.append(f"{feature}={on}"),
            ),
            build_serialized_network=lambda network, config: b"engine",
        )

    def OnnxParser(self, network: object, logger: object) -> object:
        return SimpleNamespace(parse_from_file=lambda path: True)

    def network(self, flags: int) -> object:
        assert flags == 1 << self.NetworkDefinitionCreationFlag.EXPLICIT_BATCH
        tensors = [
            SimpleNamespace(name=name, dtype=getattr(self, port.kind), shape=port.shape)
            for name, port in CONTRACT.items()
        ]
        return SimpleNamespace(
            num_inputs=2,
            num_outputs=2,
            get_input=tensors[:2].__getitem__,
            get_output=tensors[2:].__getitem__,
        )


@pytest.mark.parametrize(("precision", "flags"), [("fp16", ["FP16"]), ("int8", ["FP16", "INT8"])])
def test_before_10_flags_allow_the_precision_and_contexts_to_share_a_profile(
    precision: str, flags: list[str]
) -> None:
    weak = Weak()
    flavour = Flavour("tensorrt", weak)
    assert not flavour.strongly_typed
    engine = build_engine(flavour, Path("a.onnx"), precision=precision, profile=SMALL)
    assert engine == b"engine"
    assert weak.flags == ["PROFILE_SHARING_0806=True", *flags]


class Endless(Weak):
    """A TensorRT whose builds end only when its progress monitor says so."""

    class IProgressMonitor:
        step_complete: Any

    def Builder(self, logger: object) -> Any:
        def build(network: object, config: Any) -> None:
            while config.progress_monitor.step_complete("build", 0):
                time.sleep(0.01)

        builder: Any = super().Builder(logger)
        builder.build_serialized_network = build
        return builder


def build_without_end(started: threading.Event) -> None:
    build_engine(
        Flavour("tensorrt", Endless()),
        Path("a.onnx"),
        precision="fp16",
        profile=SMALL,
        report=lambda what, share: started.set(),
    )


LEAVES = """
import threading
from tests.engine.test_tensorrt_build import build_without_end
started = threading.Event()
threading.Thread(target=build_without_end, args=[started], daemon=True).start()
started.wait()
"""
"""Ends while a build goes on in a thread, as a run does whose user asked for another K."""


def test_the_end_of_the_process_ends_a_build() -> None:
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", LEAVES], cwd=root, timeout=300, check=True)
