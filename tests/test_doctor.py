from __future__ import annotations

from pathlib import Path

import pytest

from rtsdb import doctor
from rtsdb.doctor import Check, diagnose, driver_version
from rtsdb.engine.registry import ENGINES, EngineKind
from rtsdb.errors import RtsdbError
from rtsdb.gpu import Gpu

ADA = Gpu("NVIDIA GeForce RTX 4090", "sm89", 24 << 30, integrated=False, cuda="13.0")


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Why engines do not work, by name; those left out do."""
    broken: dict[str, str] = {}

    def probe(kind: EngineKind) -> None:
        if kind.name in broken:
            raise RtsdbError(broken[kind.name])

    monkeypatch.setattr(EngineKind, "probe", probe)
    return broken


@pytest.mark.parametrize("bf16", [True, False])
def test_auto_is_the_first_engine_that_works(
    probes: dict[str, str], monkeypatch: pytest.MonkeyPatch, bf16: bool
) -> None:
    monkeypatch.setattr(doctor, "has_bf16", lambda: bf16)
    assert diagnose().auto == next(iter(ENGINES))
    probes |= dict.fromkeys(("tensorrt", "tensorrt-rtx", "torch-tensorrt"), "no GPU")
    probes["onnxruntime-gpu"] = "no provider"
    found = diagnose()
    assert found.auto == "openvino"
    engines = by_name(found.engines)
    assert list(engines) == list(ENGINES)
    assert engines["tensorrt"] == Check("tensorrt", False, "no GPU")
    assert engines["openvino"] == Check(
        "openvino", True, f"--precision fp32, {'bf16, ' if bf16 else ''}int8"
    )
    probes |= dict.fromkeys(ENGINES, "broken")
    assert diagnose().auto is None


def test_a_machine_without_a_gpu_is_told_what_is_missing(
    probes: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> list[Gpu]:
        raise RtsdbError("no NVIDIA driver")

    def absent(name: str) -> None:
        raise RtsdbError(f"{name} is not there")

    monkeypatch.setattr(doctor, "find_gpus", none)
    monkeypatch.setattr(doctor, "load_flavour", absent)
    monkeypatch.setattr(doctor.v4l2, "memory_to_memory_devices", list)
    monkeypatch.setattr(doctor.v4l2, "video_devices", list)
    found = diagnose()
    assert found.driver == Check("NVIDIA driver", False, "no NVIDIA driver")
    assert found.gpus == []
    assert found.cameras == []
    assert [check.detail for check in found.tensorrt] == [
        "tensorrt is not there",
        "tensorrt-rtx is not there",
    ]
    assert not by_name(found.codecs)["V4L2"].works


def test_a_machine_that_has_everything_is_described(
    probes: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "find_gpus", lambda: [ADA])
    monkeypatch.setattr(doctor, "driver_version", lambda: "580.65")
    monkeypatch.setattr(doctor.v4l2, "memory_to_memory_devices", lambda: ["/dev/video9"])
    monkeypatch.setattr(
        doctor.v4l2, "video_devices", lambda: ["/dev/video0", "/dev/video1", "/dev/video9"]
    )
    modes = {"/dev/video0": "yuyv 640x480 (30 fps)", "/dev/video1": ""}
    monkeypatch.setattr(doctor.v4l2, "describe_modes", modes.__getitem__)
    found = diagnose()
    assert found.driver == Check("NVIDIA driver", True, "580.65, CUDA 13.0")
    assert found.gpus == [ADA]
    assert by_name(found.codecs)["V4L2"] == Check("V4L2", True, "/dev/video9")
    assert [(camera.name, camera.works) for camera in found.cameras] == [
        ("/dev/video0", True),
        ("/dev/video1", False),
    ]
    assert found.cameras[0].detail == "yuyv 640x480 (30 fps)"


def test_a_codec_is_opened_to_see_whether_it_works() -> None:
    assert doctor._open_codec("libx264", "w") == "libx264"
    for name in ("h264_cuvid", "no_such_codec"):
        if name == "h264_cuvid" and Path("/proc/driver/nvidia/version").exists():
            continue
        with pytest.raises(RtsdbError, match=f"{name} does not open: "):
            doctor._open_codec(name, "r")


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({}, "unknown"),
        (
            {
                "/proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX x86_64 Kernel Module"
                "  535.161.07  Sat Feb 17\nGCC version: gcc 12.3.0"
            },
            "535.161.07",
        ),
        (
            {"/etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID: 38968081"},
            "R36 (release), REVISION: 4.3",
        ),
    ],
)
def test_the_driver_s_version_is_read_where_linux_keeps_it(
    monkeypatch: pytest.MonkeyPatch, files: dict[str, str], version: str
) -> None:
    def read(path: Path) -> str:
        if str(path) not in files:
            raise FileNotFoundError(path)
        return files[str(path)]

    monkeypatch.setattr(Path, "read_text", read)
    assert driver_version() == version
