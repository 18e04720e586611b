"""What an INT8 network was made from and by, and what it lost: the JSON file beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rtsdb.machine import describe_machine
from rtsdb.onnx_file import digest
from rtsdb.quantization.accuracy import Accuracy, Bars
from rtsdb.quantization.frames import Sample, Samples
from rtsdb.quantization.layers import Activation
from rtsdb.quantization.plan import LEVELS
from rtsdb.quantization.search import Found

SCHEMA = 1
"""Version of the layout, which calib/README.md describes; a change that breaks a reader raises
it."""


def as_json(
    *,
    command: str,
    model: str,
    graphs: Mapping[str, Path],
    made: Mapping[Path, bytes],
    samples: Samples,
    bars: Bars,
    found: Found,
    in_openvino: Mapping[str, Mapping[str, Accuracy]],
) -> str:
    """The manifest.

    graphs: the float files by precision. made: the INT8 files. in_openvino: accuracy there, by
    precision and kind of noise.
    """
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "command": command,
        "machine": describe_machine(),
        "model": model,
        "graphs": {
            precision: {"file": path.name, "sha256": digest(path)}
            for precision, path in graphs.items()
        },
        "made": {path.name: hashlib.sha256(content).hexdigest() for path, content in made.items()},
        "frames": {
            "ranges": [_frame(sample) for sample in samples.ranges],
            "check": [_frame(sample) for sample in samples.check],
        },
        "method": found.method,
        "methods": {name: _rounded(losses) for name, losses in found.methods.items()},
        "bars": asdict(bars),
        "accuracy": _accuracy(found.accuracy),
        "accuracy in OpenVINO": _accuracy(in_openvino),
        "float": {
            "few channels": list(found.few_channels),
            "sensitive": found.sensitive(),
            "skips": found.float_skips(),
        },
        "tensors": {a.tensor: _tensor(a, found) for a in found.activations},
    }
    return json.dumps(content, indent=1) + "\n"


def _frame(sample: Sample) -> dict[str, str]:
    pixels = hashlib.sha256(sample.scene.image.tobytes()).hexdigest()
    return {"name": sample.scene.name, "noise": sample.noise, "sha256": pixels}


def _accuracy(found: Mapping[str, Mapping[str, Accuracy]]) -> dict[str, Any]:
    return {
        precision: {noise: asdict(values) for noise, values in accuracy.items()}
        for precision, accuracy in found.items()
    }


def _rounded(figures: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    return {
        name: {inner: round(value, 4) for inner, value in values.items()}
        for name, values in figures.items()
    }


def _tensor(activation: Activation, found: Found) -> dict[str, Any]:
    step = found.plan.activations[activation.tensor]
    return {
        "range": step * LEVELS,
        "int8 for": found.plan.reach[activation.tensor].name.lower(),
        "convolutions": [convolution.name for convolution in activation.convolutions],
        "costs": {
            reach.name.lower(): _rounded(asdict(cost))
            for (tensor, reach), cost in found.costs.items()
            if tensor == activation.tensor
        },
    }
