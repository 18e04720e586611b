"""Write a net as ONNX: the one file that every engine runs."""

from __future__ import annotations

import json
import os
import struct
import warnings
from pathlib import Path

from rtsdb.errors import MissingPackageError, UsageError
from rtsdb.models.frame_net import FrameNet
from rtsdb.models.sdb import SDBNet

try:
    import onnx
    import torch
    from onnx import TensorProto, helper
except ImportError as error:
    raise MissingPackageError("onnx", extra="train") from error

OPSET = 17
"""The newest opset that TensorRT 8.6 to 11, OpenVINO and ONNX Runtime all read."""


def export_onnx(net: SDBNet, path: Path, *, share: Path | None = None) -> None:
    """Write the frame contract of `net` to `path`: N, H and W dynamic, float32 inside.

    share: a weights file of this net, or of a longer one that begins with it, in the same folder
    as `path`. The ONNX file then holds the graph only and refers to the float16 tensors inside
    that safetensors file, so that K = 1, 2, 3 together need the room of one.
    Raises UsageError when `share` lies elsewhere.
    """
    if share is not None and share.resolve().parent != path.resolve().parent:
        raise UsageError(f"{path}: must lie beside {share} to share its weights")
    partial = path.with_name(path.name + ".part")
    example = (torch.zeros(1, 64, 64, 3, dtype=torch.uint8), torch.zeros(1, 2))
    axes = {0: "n", 1: "h", 2: "w"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's advice to use its successor
        torch.onnx.export(
            FrameNet(net).eval(),
            example,
            str(partial),
            input_names=["frame", "noise"],
            output_names=["denoised", "labels"],
            dynamic_axes={"frame": axes, "noise": {0: "n"}, "denoised": axes, "labels": axes},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(partial)
    if share is not None:
        _refer_to(model, share)
    model.doc_string = f"rtsdb {net.stages} stages, {net.classes} classes"
    onnx.save(model, partial)
    os.replace(partial, path)


def _refer_to(model: onnx.ModelProto, weights: Path) -> None:
    """Replace float32 initializers by float16 ones inside `weights`, each followed by a cast."""
    places = _tensor_places(weights)
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        name = tensor.name.removeprefix("net.")
        if name not in places:
            continue
        offset, length = places[name]
        stored = TensorProto(name=f"{tensor.name}.f16", data_type=TensorProto.FLOAT16)
        stored.dims.extend(tensor.dims)
        stored.data_location = TensorProto.EXTERNAL
        for key, value in (("location", weights.name), ("offset", offset), ("length", length)):
            stored.external_data.add(key=key, value=str(value))
        casts.append(helper.make_node("Cast", [stored.name], [tensor.name], to=TensorProto.FLOAT))
        tensor.CopyFrom(stored)
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _tensor_places(path: Path) -> dict[str, tuple[int, int]]:
    """Byte offset and length of every float16 tensor in a safetensors file."""
    with path.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
    start = 8 + size
    return {
        name: (
            start + entry["data_offsets"][0],
            entry["data_offsets"][1] - entry["data_offsets"][0],
        )
        for name, entry in header.items()
        if name != "__metadata__" and entry["dtype"] == "F16"
    }
