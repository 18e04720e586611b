"""What an engine file says of itself, and what it does not do for."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from rtsdb.engine.tensorrt_build import Profile
from rtsdb.engine.tensorrt_file import (
    EngineFile,
    EngineKey,
    Sidecar,
    fingerprint,
    read_engine,
    sidecar_path,
    write_engine,
)

KEY = EngineKey(
    "0f", "tensorrt", "10.3.0", ("sm86", "sm87"), "Orin", "int8", "whole", Profile(2, 64, 96)
)

OTHERS: dict[str, tuple[object, str]] = {
    "onnx": ("1e", "the ONNX file has changed"),
    "flavour": ("tensorrt-rtx", "flavour tensorrt, not tensorrt-rtx"),
    "version": ("10.3.1", r"version 10\.3\.0, not 10\.3\.1"),
    "sms": (("sm87", "sm89"), "for sm86, sm87, not sm87, sm89"),
    "device": ("Thor", "device Orin, not Thor"),
    "precision": ("fp16", "precision int8, not fp16"),
    "tiles": ("2 tiles", "tiles whole, not 2 tiles"),
    "profile": (Profile(3, 64, 96), "at most 2 at once, not .* at most 3 at once"),
}
"""Another value of every field of a key, and what is said of it."""


@pytest.mark.parametrize("field", [field.name for field in fields(EngineKey)])
def test_whatever_differs_is_the_reason(field: str) -> None:
    other, reason = OTHERS[field]
    found = KEY.why_not(replace(KEY, **{field: other}))
    assert found is not None
    assert re.search(reason, found)


def test_an_engine_for_more_gpus_does_for_some_of_them() -> None:
    assert KEY.why_not(replace(KEY, sms=("sm87",))) is None


def test_the_sidecar_reads_back_as_it_was_written(tmp_path: Path) -> None:
    sidecar = Sidecar(KEY, "rt K=1", fingerprint(b"plan"), "2026-11-22T00:00:00+00:00", 1.5)
    file = EngineFile(tmp_path / "a.engine", b"plan", sidecar)
    write_engine(file)
    assert read_engine(file.path) == file
    text = json.loads(sidecar_path(file.path).read_text())
    assert text["key"]["profile"] == {"batch": 2, "height": 64, "width": 96}
