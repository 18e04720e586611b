"""What `rtsdb calibrate` does: frames, ranges, the search, and three files or none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rtsdb.data.datasets import dataset
from rtsdb.engine.contract import check_contract
from rtsdb.errors import UsageError
from rtsdb.evaluation.model import check_classes
from rtsdb.files import check_writable, write_together
from rtsdb.onnx_file import INT8_FORMS, SUFFIXES, graph_in
from rtsdb.quantization import manifest
from rtsdb.quantization.accuracy import Bars
from rtsdb.quantization.frames import Samples, dataset_scenes, make_samples, source_scenes
from rtsdb.quantization.layers import convolution_weights, find_activations, load_graph, ports
from rtsdb.quantization.observe import observe
from rtsdb.quantization.openvino_check import check_in_openvino
from rtsdb.quantization.plan import full_plan
from rtsdb.quantization.progress import Progress, Report
from rtsdb.quantization.qdq import emit, with_qdq
from rtsdb.quantization.ranges import METHODS
from rtsdb.quantization.search import Found, Search
from rtsdb.quantization.session import Session
from rtsdb.video.frame import Image, Labels
from rtsdb.weights import ModelFiles, find_model

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class CalibrateRequest:
    """The arguments of `rtsdb calibrate`, as its help explains them; `command`: how it was called.

    One of source and root is None.
    """

    model: str
    stages: int
    source: str | None
    dataset: str
    root: Path | None
    output: Path
    bars: Bars
    command: str


@dataclass(frozen=True)
class Calibration:
    """What was found. label: the network. written: the files."""

    label: str
    written: list[Path]
    found: Found


def run_calibration(request: CalibrateRequest, report: Report) -> Calibration:
    """Find an INT8 form that keeps to the bars, and write it and its manifest.

    report: told of the progress. Raises UsageError for a bad request, and RtsdbError, with
    nothing written, for a network that loses too much.
    """
    files = find_model(request.model, request.stages)
    graphs = _float_graphs(request.model, files)
    networks = _read_networks(graphs)
    paths = _outputs(request.output)
    samples = _samples(request, files, networks["fp32"])
    progress = Progress(report)
    activations = find_activations(networks["fp32"])
    histograms = observe(
        networks["fp32"], [a.tensor for a in activations], samples.ranges, progress
    )
    search = Search(
        networks,
        activations,
        samples.check,
        sizes={tensor: histogram.count for tensor, histogram in histograms.items()},
        classes=len(files.classes),
        bars=request.bars,
        progress=progress,
    )
    weights = convolution_weights(networks["fp32"], activations)
    found = search.find(
        {
            name: full_plan(activations, weights, {t: method(h) for t, h in histograms.items()})
            for name, method in METHODS.items()
        }
    )
    in_openvino = check_in_openvino(
        {"fp32": networks["fp32"], "int8-fp32": with_qdq(networks["fp32"], found.plan)},
        samples.check,
        classes=len(files.classes),
        bars=request.bars,
        progress=progress,
        costliest=partial(search.costliest, found.plan),
    )
    made = {
        paths[int8]: emit(graphs[floating], found.plan, paths[int8])
        for floating, int8 in INT8_FORMS.items()
    }
    text = manifest.as_json(
        command=request.command,
        model=files.label,
        graphs=graphs,
        made=made,
        samples=samples,
        bars=request.bars,
        found=found,
        in_openvino=in_openvino,
    )
    write_together({**made, paths["manifest"]: text.encode()})
    return Calibration(files.label, list(paths.values()), found)


def _outputs(output: Path) -> dict[str, Path]:
    """The files to write, by precision, and the manifest; UsageError where none can be."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--output {output}: {error.strerror}") from error
    endings = {int8: SUFFIXES[int8] for int8 in INT8_FORMS.values()} | {"manifest": ".int8.json"}
    paths = {what: output.with_name(output.name + ending) for what, ending in endings.items()}
    for path in paths.values():
        check_writable(path, "--output")
    return paths


def _float_graphs(model: str, files: ModelFiles) -> dict[str, Path]:
    if files.onnx is None:
        raise UsageError(
            f"--model {model}: holds weights; give its ONNX file, made with 'rtsdb export', "
            "which 'rtsdb export --precision fp16' must be beside"
        )
    return {precision: graph_in(files.onnx, precision) for precision in INT8_FORMS}


def _read_networks(graphs: Mapping[str, Path]) -> dict[str, onnx.ModelProto]:
    """The graphs by precision; raises UsageError unless they are of one network."""
    networks = {precision: load_graph(path) for precision, path in graphs.items()}
    for precision, network in networks.items():
        check_contract(graphs[precision], ports(network))
    activations = find_activations(networks["fp32"])
    if not activations:
        raise UsageError(f"{graphs['fp32']}: holds no convolution that INT8 could speed up")
    if find_activations(networks["fp16"]) != activations:
        raise UsageError(
            f"{graphs['fp16']}: is not the network of {graphs['fp32'].name}; make both again "
            "with 'rtsdb export'"
        )
    return networks


def _samples(request: CalibrateRequest, files: ModelFiles, network: onnx.ModelProto) -> Samples:
    if request.source is None:
        assert request.root is not None
        check_classes(files, dataset(request.dataset).classes)
        scenes = dataset_scenes(request.dataset, request.root)
        return make_samples(scenes, files.classes, labelled=True)
    session, no_noise = Session(network), np.zeros((1, 2), np.float32)

    def label(clean: Image) -> Labels:
        _, labels = session.run(clean[None], no_noise)
        return np.asarray(labels[0])

    return make_samples(source_scenes(request.source, label), files.classes, labelled=False)
