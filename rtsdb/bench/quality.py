"""How good the shipped networks are, for those who weigh it against speed: read, not measured.

`rtsdb eval --engine torch --output rtsdb/weights/quality` writes the results that are shipped, of
the weights in float32. What another precision changes is taken from the manifest that `rtsdb
calibrate` left beside its INT8 file; of bfloat16 there is no such figure, so it counts as float32.
Results of other weights than those that lie here count as none.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from rtsdb.bench.model import Quality, Setup
from rtsdb.bench.setups import MODEL
from rtsdb.onnx_file import base_name, digest
from rtsdb.weights import FOLDER, ModelFiles, find_model

RESULTS = FOLDER / "quality.json"

NOISE = "awgn:25"
"""The kind of noise that settings are compared at."""


def quality_of(setup: Setup, model: str = MODEL, results: Path = RESULTS) -> Quality | None:
    """Quality at `NOISE` of a network in a precision; None where the results say nothing of it.

    setup: of the engine and the precision that ran, not 'auto'. model: as --model takes it.
    results: the JSON of `rtsdb eval`.
    """
    files = find_model(model, setup.stages)
    evaluated = _evaluated(files, model, results)
    if evaluated is None or setup.precision in ("fp32", "bf16"):
        return evaluated
    form = setup.precision
    if form == "int8" and "tensorrt" not in setup.engine:
        form = "int8-fp32"
    accuracy = None if files.onnx is None else _calibrated(files.onnx)
    if accuracy is None or form not in accuracy:
        return None
    before, after = accuracy["fp32"][NOISE], accuracy[form][NOISE]
    return Quality(
        NOISE,
        evaluated.psnr + after["psnr"] - before["psnr"],
        evaluated.miou + after["miou"] - before["miou"],
    )


def _evaluated(files: ModelFiles, model: str, results: Path) -> Quality | None:
    """What `rtsdb eval` found of a network in float32."""
    if not results.is_file():
        return None
    report = json.loads(results.read_text())
    settings = report["settings"]
    if (settings["model"], settings["trained"].get("sha256")) != (model, files.sha256):
        return None
    for score in report["scores"]:
        if (score["subject"], score["stages"], score["noise"]) == (model, files.stages, NOISE):
            return Quality(NOISE, score["psnr"], score["miou"])
    return None


@cache
def _calibrated(onnx: Path) -> dict[str, Any] | None:
    """By precision and noise, what `rtsdb calibrate` found of a network's graphs."""
    manifest = onnx.with_name(f"{base_name(onnx)}.int8.json")
    if not manifest.is_file():
        return None
    content = json.loads(manifest.read_text())
    if content["graphs"]["fp32"]["sha256"] != digest(onnx):
        return None
    accuracy: dict[str, Any] = content["accuracy"]
    return accuracy
