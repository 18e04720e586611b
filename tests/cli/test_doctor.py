from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from rtsdb import doctor
from rtsdb.cli import app
from rtsdb.doctor import Check, Diagnosis
from rtsdb.gpu import Gpu

FOUND = Diagnosis(
    machine={"cpu": "Fast CPU", "system": "Linux"},
    cpu_features=["avx2", "amx_int8"],
    driver=Check("NVIDIA driver", True, "580.65, CUDA 13.0"),
    gpus=[Gpu("NVIDIA GeForce RTX 4090", "sm89", 24 << 30, integrated=False, cuda="13.0")],
    tensorrt=[Check("tensorrt", False, "pip install 'rtsdb[tensorrt]'")],
    codecs=[Check("NVDEC", True, "h264_cuvid")],
    cameras=[],
    engines=[Check("openvino", True, "--precision fp32, bf16")],
    auto="openvino",
)


@pytest.fixture(autouse=True)
def _found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "diagnose", lambda: FOUND)


def test_the_table_has_every_check() -> None:
    result = CliRunner().invoke(app, ["doctor"], env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    for text in (
        *("Fast CPU", "avx2 amx_int8", "NVIDIA GeForce RTX 4090", "sm89, 24 GiB", "580.65"),
        *("pip install 'rtsdb[tensorrt]'", "h264_cuvid", "none is there"),
        *("--precision fp32, bf16", "--engine auto takes openvino"),
    ):
        assert text in result.output


def test_json_has_every_check_for_programs() -> None:
    result = CliRunner().invoke(app, ["doctor", "--json"])
    facts = json.loads(result.output)
    assert facts["auto"] == "openvino"
    assert facts["gpus"][0]["sm"] == "sm89"
    assert facts["tensorrt"] == [
        {"name": "tensorrt", "works": False, "detail": "pip install 'rtsdb[tensorrt]'"}
    ]
