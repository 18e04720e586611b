"""An ONNX graph into a serialized TensorRT engine."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

from rtsdb.engine.contract import Port, check_contract
from rtsdb.engine.tensorrt_flavour import Flavour, create, error_log, first_error
from rtsdb.engine.tensorrt_progress import BuildProgress, Report, monitor
from rtsdb.errors import RtsdbError, UsageError
from rtsdb.tiling import TilePlan


@dataclass(frozen=True)
class Profile:
    """What an engine takes: batches of 1 to `batch` tiles of height x width pixels."""

    batch: int
    height: int
    width: int

    @classmethod
    def of(cls, plan: TilePlan) -> Profile:
        """All tiles of a frame as one batch."""
        return cls(plan.count, plan.tile_height, plan.tile_width)

    def takes(self, plan: TilePlan) -> bool:
        """Whether an engine of this profile runs the tiles of a plan in one batch."""
        return replace(self, batch=plan.count) == Profile.of(plan) and plan.count <= self.batch

    def __str__(self) -> str:
        """As in 'tiles of 1152x640, at most 4 at once'."""
        return f"tiles of {self.width}x{self.height}, at most {self.batch} at once"

    def shapes(self) -> dict[str, tuple[tuple[int, ...], ...]]:
        """Smallest, likeliest and largest shape of every input; tiles come in full batches.

        >>> Profile(4, 64, 96).shapes()["noise"]
        ((1, 2), (4, 2), (4, 2))
        """
        tails = {"frame": (self.height, self.width, 3), "noise": (2,)}
        return {
            name: ((1, *tail), (self.batch, *tail), (self.batch, *tail))
            for name, tail in tails.items()
        }


def build_engine(
    flavour: Flavour,
    graph: Path,
    *,
    precision: str,
    profile: Profile,
    targets: Sequence[str] = (),
    report: Report = lambda what, share: None,
) -> bytes:
    """Build `graph`, an ONNX file of the frame contract whose arithmetic is in `precision`.

    targets: compute capabilities such as 'sm89' for TensorRT-RTX to build for; none: the GPU of
    this machine. Ctrl-C in the main thread, or its end, ends the build between two of its steps.
    Raises UsageError for what cannot be built as asked, RtsdbError when TensorRT fails.
    """
    progress = BuildProgress(report)
    built: Future[bytes] = Future()

    def build() -> None:
        try:
            built.set_result(_build(flavour, graph, precision, profile, targets, progress))
        except BaseException as error:
            built.set_exception(error)

    # A thread of its own: in this one, Ctrl-C would be lost inside TensorRT's callbacks. Not a
    # pool's, for which Python waits before the main thread counts as ended.
    thread = Thread(target=build, name="build")
    thread.start()
    try:
        return built.result()
    except KeyboardInterrupt:
        progress.cancelled = True
        raise
    finally:
        thread.join()


def parse_graph(flavour: Flavour, builder: Any, graph: Path, logger: Any) -> Any:
    """The TensorRT network of an ONNX file; raises UsageError for one that breaks the contract."""
    trt = flavour.trt
    flags = trt.NetworkDefinitionCreationFlag
    flag = flags.STRONGLY_TYPED if flavour.strongly_typed else flags.EXPLICIT_BATCH
    network = builder.create_network(1 << int(flag))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(graph)):
        reason = " ".join(parser.get_error(0).desc().split()) if parser.num_errors else "no reason"
        raise UsageError(f"{graph}: not an ONNX file that {flavour.name} reads ({reason})")
    tensors = [network.get_input(index) for index in range(network.num_inputs)]
    tensors += [network.get_output(index) for index in range(network.num_outputs)]
    words = {trt.uint8: "uint8", trt.float32: "float32"}
    ports = {
        t.name: Port(words.get(t.dtype, t.dtype.name.lower()), tuple(t.shape)) for t in tensors
    }
    check_contract(graph, ports)
    return network


def check_convolutions(flavour: Flavour, network: Any, graph: Path) -> None:
    """Raise UsageError when a convolution would run in float32: tensor cores stay idle then."""
    trt = flavour.trt
    kinds = (trt.LayerType.CONVOLUTION, trt.LayerType.DECONVOLUTION)
    layers = (network.get_layer(index) for index in range(network.num_layers))
    slow = [x.name for x in layers if x.type in kinds and x.get_input(0).dtype == trt.float32]
    if slow:
        raise UsageError(
            f"{graph}: {len(slow)} convolutions are float32 ({slow[0]}); "
            "make the file with 'rtsdb export --precision fp16'"
        )


def optimisation_profile(builder: Any, profile: Profile) -> Any:
    """TensorRT's form of a profile."""
    made = builder.create_optimization_profile()
    for name, shapes in profile.shapes().items():
        made.set_shape(name, *shapes)
    return made


def set_targets(flavour: Flavour, config: Any, targets: Sequence[str]) -> None:
    """Have a build suit GPUs of these compute capabilities, such as 'sm89'."""
    config.num_compute_capabilities = len(targets)
    for index, target in enumerate(targets):
        capability = getattr(flavour.trt.ComputeCapability, target.upper())
        config.set_compute_capability(capability, index)


def _allow(flavour: Flavour, config: Any, precision: str) -> None:
    """Before 10.0, flags allow faster types, for Q/DQ nodes alone are not enough, and one profile
    serves several execution contexts only when told to."""
    config.set_preview_feature(flavour.trt.PreviewFeature.PROFILE_SHARING_0806, True)
    flags = flavour.trt.BuilderFlag
    if precision in ("fp16", "int8"):
        config.set_flag(flags.FP16)
    if precision == "int8":
        config.set_flag(flags.INT8)


def _build(
    flavour: Flavour,
    graph: Path,
    precision: str,
    profile: Profile,
    targets: Sequence[str],
    progress: BuildProgress,
) -> bytes:
    logger, errors = error_log(flavour)
    builder = create(flavour, "Builder", logger, errors)
    network = parse_graph(flavour, builder, graph, logger)
    if flavour.strongly_typed:
        check_convolutions(flavour, network, graph)
    config = builder.create_builder_config()
    config.add_optimization_profile(optimisation_profile(builder, profile))
    if not flavour.strongly_typed:
        _allow(flavour, config, precision)
    if targets:
        set_targets(flavour, config, targets)
    if hasattr(flavour.trt, "IProgressMonitor"):
        config.progress_monitor = monitor(flavour, progress)
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        reason = first_error(errors)
        raise RtsdbError(
            f"{graph.name}: {flavour.name} {flavour.version} cannot build it: {reason}"
        )
    return bytes(engine)
