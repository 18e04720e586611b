"""When an engine is built, kept, built again or refused; two builders at once; Ctrl-C."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rtsdb.engine import tensorrt_cache
from rtsdb.engine.tensorrt_build import Profile
from rtsdb.engine.tensorrt_cache import BuildRequest, ensure_built, load_built_engine
from rtsdb.engine.tensorrt_file import (
    read_engine,
    sidecar_path,
    write_engine,
)
from rtsdb.engine.tensorrt_flavour import Flavour
from rtsdb.errors import MissingPackageError, RtsdbError, UsageError
from rtsdb.gpu import Gpu, find_gpus
from rtsdb.tiling import TilePlan, plan_tiles
from rtsdb.weights import FOLDER

ADA = Gpu("NVIDIA GeForce RTX 4090", "sm89", 24 << 30, integrated=False, cuda="13.0")
REQUEST = BuildRequest(
    "tensorrt-rtx",
    model="rt K=1",
    onnx=FOLDER / "rt-k1.onnx",
    precision="fp16",
    plan=plan_tiles(64, 96),
)


class FakeTensorRt:
    """What loading an engine touches; `loads` says whether TensorRT takes it."""

    __version__ = "1.7.1"
    NetworkDefinitionCreationFlag = SimpleNamespace(STRONGLY_TYPED=0)
    ComputeCapability = SimpleNamespace(__members__=["NONE", "SM86", "SM89"])

    class ILogger:
        INTERNAL_ERROR, ERROR, WARNING = range(3)

    def __init__(self, *, loads: bool = True) -> None:
        self.loads = loads

    def Runtime(self, logger: Any) -> object:
        def deserialize(content: bytes) -> object:
            if not self.loads:
                logger.log(self.ILogger.WARNING, "never mind")
                logger.log(self.ILogger.ERROR, "Version tag\ndoes not match")
                return None
            return f"engine of {len(content)} bytes"

        return SimpleNamespace(deserialize_cuda_engine=deserialize)


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A machine with an RTX 4090 and a TensorRT that builds at once; its builds are listed."""
    made: list[dict[str, Any]] = []

    def build(flavour: Flavour, graph: Path, **settings: Any) -> bytes:
        made.append({"graph": graph.name, **settings})
        return b"engine %d" % len(made)

    def load(name: str) -> Flavour:
        return Flavour(name, FakeTensorRt())

    monkeypatch.setattr(tensorrt_cache, "build_engine", build)
    monkeypatch.setattr(tensorrt_cache, "load_flavour", load)
    monkeypatch.setattr(tensorrt_cache, "find_gpus", lambda: [ADA])
    return made


def why(caplog: pytest.LogCaptureFixture) -> str:
    """The one line that was logged."""
    (record,) = caplog.records
    caplog.clear()
    return record.getMessage()


def test_an_engine_is_built_once_for_all_tiles_of_a_frame(
    builds: list[dict[str, Any]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    request = replace(REQUEST, plan=plan_tiles(1024, 2048, (1024, 512)))
    path = ensure_built(request, tmp_path / "engines").path
    assert path.name == "rt-k1-fp16-4x1152x640-tensorrt-rtx.engine"
    assert why(caplog) == f"{path}: not built yet; building"
    assert ensure_built(request, tmp_path / "engines").path == path
    (made,) = builds
    assert made["graph"] == "rt-k1.fp16.onnx"
    assert made["profile"] == Profile(4, 640, 1152)
    assert made["targets"] == ("sm89",)
    assert not caplog.records
    file = read_engine(path)
    assert file.engine == b"engine 1"
    assert file.sidecar.model == "rt K=1"
    assert file.sidecar.key.tiles == "4 tiles of 1152x640, halo 128"
    assert sorted(entry.name for entry in path.parent.iterdir()) == [
        path.name,
        sidecar_path(path).name,
    ]


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def forget(path: Path) -> None:
    sidecar_path(path).unlink()


def garble(path: Path) -> None:
    sidecar_path(path).write_text("{}")


def exchange(path: Path) -> None:
    path.write_bytes(b"another engine")


def age(path: Path) -> None:
    file = read_engine(path)
    old = replace(file.sidecar, key=replace(file.sidecar.key, version="1.6.1"))
    write_engine(replace(file, sidecar=old))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (Path.unlink, "not built yet"),
        (damage, "it is damaged, or not the file that was built"),
        (exchange, "not the file that was built"),
        (forget, "rt-k1-fp16-1x96x64-tensorrt-rtx.json, which says what it is, is missing"),
        (garble, ".json is of another version"),
        (age, "it was built with version 1.6.1, not 1.7.1"),
    ],
)
def test_a_file_that_is_not_what_was_built_is_built_again(
    builds: list[dict[str, Any]],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    spoil: Callable[[Path], None],
    reason: str,
) -> None:
    path = ensure_built(REQUEST, tmp_path).path
    caplog.clear()
    spoil(path)
    ensure_built(REQUEST, tmp_path)
    line = why(caplog)
    assert line.startswith(f"{path}: ")
    assert line.endswith(f"{reason}; building")
    assert read_engine(path).engine == b"engine 2"


def test_another_gpu_graph_or_halo_builds_again(
    builds: list[dict[str, Any]],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("a.fp16.onnx", "rt.safetensors"):
        source = FOLDER / ("rt-k1.fp16.onnx" if name.endswith("onnx") else name)
        (tmp_path / name).write_bytes(source.read_bytes())
    request = replace(REQUEST, onnx=tmp_path / "a.onnx")
    ensure_built(request, tmp_path)
    caplog.clear()
    weights = (tmp_path / "rt.safetensors").read_bytes()
    (tmp_path / "rt.safetensors").write_bytes(weights[:-1] + b"\1")
    ensure_built(request, tmp_path)
    assert "the ONNX file has changed" in why(caplog)
    ampere = replace(ADA, name="NVIDIA RTX A6000", sm="sm86")
    monkeypatch.setattr(tensorrt_cache, "find_gpus", lambda: [ampere])
    ensure_built(request, tmp_path)
    assert "built for sm89, not sm86" in why(caplog)
    assert len(builds) == 3


def test_an_engine_for_more_gpus_than_asked_for_does(
    builds: list[dict[str, Any]], tmp_path: Path
) -> None:
    ensure_built(replace(REQUEST, targets=("sm86", "sm89")), tmp_path)
    ensure_built(replace(REQUEST, targets=("sm86",)), tmp_path)
    ensure_built(REQUEST, tmp_path)
    assert [made["targets"] for made in builds] == [("sm86", "sm89")]


@pytest.mark.parametrize(
    ("typing", "graph"),
    [("EXPLICIT_BATCH", "rt-k1.int8-fp32.onnx"), ("STRONGLY_TYPED", "rt-k1.int8.onnx")],
)
def test_int8_is_built_from_the_graph_that_the_version_reads(
    builds: list[dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    typing: str,
    graph: str,
) -> None:
    flags = SimpleNamespace(**{typing: 0})
    monkeypatch.setattr(FakeTensorRt, "NetworkDefinitionCreationFlag", flags)
    ensure_built(replace(REQUEST, flavour="tensorrt", precision="int8"), tmp_path)
    assert [made["graph"] for made in builds] == [graph]


def test_tensorrt_keeps_an_engine_to_the_very_gpu(
    builds: list[dict[str, Any]],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = replace(REQUEST, flavour="tensorrt")
    path = ensure_built(request, tmp_path).path
    caplog.clear()
    assert builds[0]["targets"] == ()
    assert read_engine(path).sidecar.key.device == ADA.name
    monkeypatch.setattr(tensorrt_cache, "find_gpus", lambda: [replace(ADA, name="NVIDIA L4")])
    with pytest.raises(RtsdbError, match="device NVIDIA GeForce RTX 4090, not NVIDIA L4; make"):
        load_built_engine(read_engine(path), REQUEST.plan)
    ensure_built(request, tmp_path)
    assert "device NVIDIA GeForce RTX 4090, not NVIDIA L4" in why(caplog)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"precision": "bf16"}, "--precision bf16: TensorRT engines are fp16 or int8"),
        ({"precision": "int8", "onnx": Path("none.onnx")}, "none.int8.onnx.*rtsdb calibrate"),
        ({"onnx": Path("none.onnx")}, "none.fp16.onnx.*rtsdb export --precision fp16"),
        ({"targets": ("sm89", "sm87")}, "not build for sm87, only for sm86, sm89"),
        ({"flavour": "tensorrt", "targets": ("sm89",)}, "--target sm89: .*this machine's GPU"),
    ],
)
def test_requests_that_cannot_be_met_are_refused_before_anything_is_built(
    builds: list[dict[str, Any]], tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        ensure_built(replace(REQUEST, **changed), tmp_path / "engines")
    assert not builds
    assert not (tmp_path / "engines").exists()


def test_a_gpu_that_rtx_does_not_know_is_named(
    builds: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensorrt_cache, "find_gpus", lambda: [replace(ADA, sm="sm87")])
    with pytest.raises(UsageError, match=r"does not build for sm87.*use tensorrt"):
        ensure_built(REQUEST, tmp_path)
    assert not builds


def test_without_a_gpu_rtx_asks_for_a_target(
    builds: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    pytest.importorskip("tensorrt_rtx")

    def none() -> list[Gpu]:
        raise RtsdbError("no NVIDIA driver")

    monkeypatch.setattr(tensorrt_cache, "find_gpus", none)
    with pytest.raises(RtsdbError, match=r"no NVIDIA driver; .*give --target"):
        ensure_built(REQUEST, tmp_path)


def test_a_folder_that_cannot_be_made_is_named(
    builds: list[dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="file: cannot hold engines"):
        ensure_built(REQUEST, tmp_path / "file")


def test_a_folder_that_cannot_be_locked_is_named(
    builds: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handle: int, operation: int) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(UsageError, match=r"cannot be locked .*give a folder on a local disk"):
        ensure_built(REQUEST, tmp_path)
    assert not builds


def test_a_folder_that_cannot_be_written_to_is_named_before_the_build(
    builds: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(UsageError, match="cannot hold engines: Permission denied"):
        ensure_built(REQUEST, tmp_path)
    assert not builds


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_one_line_and_leaves_nothing(
    builds: list[dict[str, Any]], tmp_path: Path
) -> None:
    with pytest.raises(RtsdbError, match=r"\.engine: cannot be written: No space left on device"):
        ensure_built(REQUEST, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_build_that_fails_leaves_nothing(
    builds: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ensure_built(REQUEST, tmp_path).path
    before = read_engine(path)

    def fail(*_: object, **__: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(tensorrt_cache, "build_engine", fail)
    sm86 = replace(REQUEST, targets=("sm86",))
    with pytest.raises(KeyboardInterrupt):
        ensure_built(sm86, tmp_path)
    assert read_engine(path) == before
    assert len(list(tmp_path.iterdir())) == 2


def test_a_built_engine_is_loaded_with_its_sidecar(
    builds: list[dict[str, Any]], tmp_path: Path
) -> None:
    path = ensure_built(REQUEST, tmp_path).path
    built = load_built_engine(read_engine(path), REQUEST.plan)
    assert built.engine == "engine of 8 bytes"
    assert built.sidecar.key.profile == Profile(1, 64, 96)
    assert built.flavour.name == "tensorrt-rtx"


def test_what_another_process_does_to_the_file_after_the_check_does_not_matter(
    builds: list[dict[str, Any]], tmp_path: Path
) -> None:
    for _ in range(2):  # built, then found
        file = ensure_built(REQUEST, tmp_path)
        engine = file.path.read_bytes()
        file.path.write_bytes(b"an engine of other weights")
        assert load_built_engine(file, REQUEST.plan).engine == f"engine of {len(engine)} bytes"
        file.path.write_bytes(engine)
    assert len(builds) == 1


def test_tiles_that_the_profile_does_not_take_are_refused(
    builds: list[dict[str, Any]], tmp_path: Path
) -> None:
    def tiles(count: int) -> TilePlan:
        return plan_tiles(64, 64 * count, (64, 64), halo=0)

    path = ensure_built(replace(REQUEST, plan=tiles(3)), tmp_path).path
    assert load_built_engine(read_engine(path), tiles(2)).sidecar.key.profile.batch == 3
    for plan in (tiles(4), plan_tiles(96, 64)):
        with pytest.raises(
            RtsdbError, match="it takes tiles of 64x64, at most 3 at once, not "
        ) as no:
            load_built_engine(read_engine(path), plan)
        assert str(plan) in str(no.value)


def test_an_engine_of_another_gpu_or_version_is_not_loaded(
    builds: list[dict[str, Any]], tmp_path: Path
) -> None:
    path = ensure_built(replace(REQUEST, targets=("sm86",)), tmp_path).path
    with pytest.raises(RtsdbError, match=r"built for sm86, not sm89; make it"):
        load_built_engine(read_engine(path), REQUEST.plan)
    path = ensure_built(REQUEST, tmp_path).path
    age(path)
    with pytest.raises(RtsdbError, match=r"version 1\.6\.1, not 1\.7\.1; make it"):
        load_built_engine(read_engine(path), REQUEST.plan)


@pytest.mark.parametrize("spoil", [Path.unlink, damage, forget, garble, exchange])
def test_a_foreign_or_damaged_engine_never_reaches_tensorrt(
    builds: list[dict[str, Any]], tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    path = ensure_built(REQUEST, tmp_path).path
    spoil(path)
    with pytest.raises(RtsdbError, match="rt-k1-fp16") as caught:
        read_engine(path)
    assert "\n" not in str(caught.value)


def test_an_engine_that_tensorrt_does_not_take_is_refused_in_its_words(
    builds: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ensure_built(REQUEST, tmp_path).path
    monkeypatch.setattr(
        tensorrt_cache,
        "load_flavour",
        lambda name: Flavour(name, FakeTensorRt(loads=False)),
    )
    line = r"cannot load it \(Version tag does not match\); if the file is at fault, delete it$"
    with pytest.raises(RtsdbError, match=line):
        load_built_engine(read_engine(path), REQUEST.plan)


def test_without_a_driver_a_real_engine_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorrt_rtx")
    with suppress(RtsdbError):
        find_gpus()
        pytest.skip("here is a driver")
    monkeypatch.setattr(tensorrt_cache, "find_gpus", lambda: [ADA])
    path = ensure_built(REQUEST, tmp_path).path
    with pytest.raises(RtsdbError, match=r"^[^\n]*tensorrt-rtx cannot load it \(.*driver[^\n]*$"):
        load_built_engine(read_engine(path), REQUEST.plan)


def test_without_the_flavour_loading_names_the_extra(
    builds: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ensure_built(REQUEST, tmp_path).path

    def absent(name: str) -> Flavour:
        raise MissingPackageError("tensorrt_rtx", extra="rtx")

    monkeypatch.setattr(tensorrt_cache, "load_flavour", absent)
    with pytest.raises(MissingPackageError, match=r"rtsdb\[rtx\]"):
        load_built_engine(read_engine(path), REQUEST.plan)


def command(folder: Path, *arguments: str, run: tuple[str, str] = ("-m", "rtsdb")) -> list[str]:
    fixed = ["build", "--engine", "tensorrt-rtx", "--size", "96x64", "-o", str(folder)]
    return [sys.executable, *run, *fixed, *arguments]


def test_two_processes_that_build_the_same_engine_build_it_once(tmp_path: Path) -> None:
    pytest.importorskip("tensorrt_rtx")
    both = [
        subprocess.Popen(command(tmp_path, "--target", "sm89"), stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    texts = [process.communicate(timeout=600)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], texts
    assert sum("building" in text for text in texts) == 1, texts
    (path,) = tmp_path.glob("*.engine")
    read_engine(path)
    assert len(list(tmp_path.iterdir())) == 2


PRESSES_CTRL_C = """
import signal, threading
from rtsdb.engine.tensorrt_progress import BuildProgress

step, pressed = BuildProgress.step, threading.Lock()

def step_and_press(progress, *which):
    step(progress, *which)
    if pressed.acquire(blocking=False):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

BuildProgress.step = step_and_press
from rtsdb.cli import main
main()
"""
"""Presses Ctrl-C when the first step of a build is done: no earlier, and not after its end."""


def test_ctrl_c_ends_a_build_and_leaves_nothing(tmp_path: Path) -> None:
    pytest.importorskip("tensorrt_rtx")
    targets = ["--stages", "3", "--target", "sm75,sm86,sm89,sm120"]
    program = command(tmp_path, *targets, run=("-c", PRESSES_CTRL_C))
    done = subprocess.run(program, capture_output=True, text=True, timeout=600)
    assert done.returncode == 130, done.stderr
    assert "building" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
