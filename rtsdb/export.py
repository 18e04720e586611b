"""Write a net as ONNX: the one file that every engine runs."""

from __future__ import annotations

import copy
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

from rtsdb.errors import MissingPackageError, UsageError
from rtsdb.files import write_bytes
from rtsdb.models.frame_net import FrameNet
from rtsdb.models.metadata import Metadata, safetensors_header
from rtsdb.models.sdb import SDBNet

try:
    import onnx
    import torch
    from onnx import TensorProto, helper
except ImportError as error:
    raise MissingPackageError("onnx", extra="train") from error

OPSET = 17
"""The newest opset that TensorRT 8.6 to 11, OpenVINO and ONNX Runtime all read."""


PRECISIONS = ("fp32", "fp16")
"""What the arithmetic of a graph can be written in; frames, labels and noise keep their types."""


def export_onnx(
    net: SDBNet,
    path: Path,
    metadata: Metadata,
    *,
    precision: str = "fp32",
    share: Path | None = None,
) -> None:
    """Write the frame contract of `net` to `path`: N, H and W dynamic.

    metadata: what the file says about itself (metadata_props); the stages are those of `net`.
    precision: 'fp32', or 'fp16' for engines that keep to the types of the graph (TensorRT from
    10.0 on). share: a weights file of this net, or of a longer one that begins with it, in the
    same folder as `path`. The ONNX file then holds the graph only and refers to the float16
    tensors inside that safetensors file, so that K = 1, 2, 3 together need the room of one.
    Raises UsageError for another precision and when `share` lies elsewhere or fits nothing, and
    RtsdbError when the file cannot be written.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"--precision {precision}: a graph is fp32 or fp16")
    if share is not None and share.resolve().parent != path.resolve().parent:
        raise UsageError(f"{path}: must lie beside {share} to share its weights")
    places = {} if share is None else _tensor_places(share)
    if share is not None and places.keys().isdisjoint(net.state_dict()):
        raise UsageError(f"{share}: holds no float16 weights of this network to share")
    example = (torch.zeros(1, 64, 64, 3, dtype=torch.uint8), torch.zeros(1, 2))
    axes = {0: "n", 1: "h", 2: "w"}
    traced = copy.deepcopy(net).half() if precision == "fp16" else net
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's advice to use its successor
        file = Path(folder) / path.name
        torch.onnx.export(
            FrameNet(traced).eval(),
            example,
            str(file),
            input_names=["frame", "noise"],
            output_names=["denoised", "labels"],
            dynamic_axes={"frame": axes, "noise": {0: "n"}, "denoised": axes, "labels": axes},
            opset_version=OPSET,
            dynamo=False,
        )
        model = onnx.load(file)
    if all(value.name != "noise" for value in model.graph.input):  # a net that is not told of it
        kind = helper.make_tensor_value_info("noise", TensorProto.FLOAT, ["n", 2])
        model.graph.input.append(kind)
    if share is not None:
        _refer_to(model, share.name, places)
    helper.set_model_props(model, replace(metadata, stages=net.stages).header())
    write_bytes(model.SerializeToString(), path)


def _refer_to(model: onnx.ModelProto, weights: str, places: dict[str, tuple[int, int]]) -> None:
    """Replace initializers by float16 tensors inside `weights`, cast where the graph is fp32."""
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        name = tensor.name.removeprefix("net.")
        if name not in places:
            continue
        offset, length = places[name]
        cast = tensor.data_type == TensorProto.FLOAT
        stored = TensorProto(
            name=f"{tensor.name}.f16" if cast else tensor.name, data_type=TensorProto.FLOAT16
        )
        stored.dims.extend(tensor.dims)
        stored.data_location = TensorProto.EXTERNAL
        for key, value in (("location", weights), ("offset", offset), ("length", length)):
            stored.external_data.add(key=key, value=str(value))
        if cast:
            made = helper.make_node("Cast", [stored.name], [tensor.name], to=TensorProto.FLOAT)
            casts.append(made)
        tensor.CopyFrom(stored)
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _tensor_places(path: Path) -> dict[str, tuple[int, int]]:
    """Byte offset and length of every float16 tensor in a safetensors file."""
    header, start = safetensors_header(path)
    return {
        name: (
            start + entry["data_offsets"][0],
            entry["data_offsets"][1] - entry["data_offsets"][0],
        )
        for name, entry in header.items()
        if name != "__metadata__" and entry["dtype"] == "F16"
    }
