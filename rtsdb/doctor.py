"""What this machine has for rtsdb: GPU, TensorRT, codecs, cameras, engines; and what is missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Literal

from av.codec import CodecContext
from av.video.codeccontext import VideoCodecContext

from rtsdb.engine.registry import ENGINES, EngineKind
from rtsdb.engine.tensorrt_flavour import PACKAGES, load_flavour
from rtsdb.errors import RtsdbError
from rtsdb.gpu import Gpu, find_gpus
from rtsdb.machine import cpu_flags, describe_machine, has_bf16
from rtsdb.video.ffmpeg_errors import FFMPEG_ERRORS, reason
from rtsdb.video.sources import v4l2

CPU_FEATURES = (
    *("avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8"),
    *("asimddp", "i8mm", "bf16"),
)
"""Instructions that make inference faster, as Linux names them: x86, then ARM."""


@dataclass(frozen=True)
class Check:
    """One thing that was tried. detail: its version or name; where it does not work, why not."""

    name: str
    works: bool
    detail: str


@dataclass(frozen=True)
class Diagnosis:
    """All that was found. auto: the engine that `--engine auto` takes; None: there is none."""

    machine: dict[str, object]
    cpu_features: list[str]
    driver: Check
    gpus: list[Gpu]
    tensorrt: list[Check]
    codecs: list[Check]
    cameras: list[Check]
    engines: list[Check]
    auto: str | None


def diagnose() -> Diagnosis:
    """Look at everything; nothing that is absent or broken raises."""
    driver, gpus = _gpus()
    engines = [_try(name, partial(_probe, kind)) for name, kind in ENGINES.items()]
    flags = cpu_flags()
    return Diagnosis(
        machine=describe_machine(),
        cpu_features=[feature for feature in CPU_FEATURES if feature in flags],
        driver=driver,
        gpus=gpus,
        tensorrt=[_try(name, partial(_version, name)) for name in PACKAGES],
        codecs=[
            _try("NVDEC", partial(_open_codec, "h264_cuvid", "r")),
            _try("NVENC", partial(_open_codec, "h264_nvenc", "w")),
            _try("V4L2", _v4l2_codecs),
        ],
        cameras=list(_cameras()),
        engines=engines,
        auto=next((engine.name for engine in engines if engine.works), None),
    )


def _try(name: str, use: Callable[[], str]) -> Check:
    """A check by use, which gives the detail or raises RtsdbError."""
    try:
        return Check(name, True, use())
    except RtsdbError as error:
        return Check(name, False, str(error))


def _gpus() -> tuple[Check, list[Gpu]]:
    try:
        gpus = find_gpus()
    except RtsdbError as error:
        return Check("NVIDIA driver", False, str(error)), []
    return Check("NVIDIA driver", True, f"{driver_version()}, CUDA {gpus[0].cuda}"), gpus


def driver_version() -> str:
    """Version of NVIDIA's kernel module, or Jetson's release; 'unknown' where neither is told."""
    for path, pattern in (
        ("/etc/nv_tegra_release", r"(R\d+ \(release\), REVISION: [\d.]+)"),
        ("/proc/driver/nvidia/version", r"(\d+\.\d[\d.]*)"),
    ):
        try:
            found = re.search(pattern, Path(path).read_text())
        except OSError:
            continue
        if found:
            return found[1]
    return "unknown"


def _probe(kind: EngineKind) -> str:
    kind.probe()
    able = (p for p in kind.precisions if p != "bf16" or has_bf16())
    return f"--precision {', '.join(able)}"


def _version(flavour: str) -> str:
    return load_flavour(flavour).version


def _open_codec(name: str, mode: Literal["r", "w"]) -> str:
    """Open one of FFmpeg's hardware codecs for a moment."""
    try:
        context = CodecContext.create(name, mode)
        assert isinstance(context, VideoCodecContext)
        if mode == "w":
            context.width, context.height = 640, 480
            context.pix_fmt, context.time_base = "yuv420p", Fraction(1, 25)
        context.open()
    except (*FFMPEG_ERRORS, ValueError) as error:
        raise RtsdbError(f"{name} does not open: {reason(error)}") from error
    return name


def _v4l2_codecs() -> str:
    devices = v4l2.memory_to_memory_devices()
    if not devices:
        raise RtsdbError("no /dev/video* device decodes or encodes")
    return ", ".join(devices)


def _cameras() -> Iterator[Check]:
    codecs = v4l2.memory_to_memory_devices()
    for device in v4l2.video_devices():
        if device not in codecs:
            modes = v4l2.describe_modes(device)
            yield Check(
                device, bool(modes), modes or "tells no modes; is it in use, or not a camera?"
            )
