"""Engines that are built once and kept: when to build again, one build at a time, and loading."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from rtsdb.engine.tensorrt_build import Profile, build_engine
from rtsdb.engine.tensorrt_file import (
    EngineFile,
    EngineFileError,
    EngineKey,
    Sidecar,
    fingerprint,
    read_engine,
    write_engine,
)
from rtsdb.engine.tensorrt_flavour import (
    Flavour,
    create,
    error_log,
    first_error,
    load_flavour,
)
from rtsdb.engine.tensorrt_progress import Report
from rtsdb.errors import RtsdbError, UsageError
from rtsdb.gpu import find_gpus
from rtsdb.onnx_file import base_name, digest, graph_in
from rtsdb.tiling import TilePlan

FOLDER = Path("engines")
"""Where engines are kept unless a user says otherwise."""

PRECISIONS = ("fp16", "int8")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BuildRequest:
    """An engine that is wanted.

    flavour: 'tensorrt' or 'tensorrt-rtx'. model: the network's name for people. onnx: its file;
    what is built is the graph in `precision` ('fp16' or 'int8') beside it. plan: the tiles of a
    frame, which make up a batch. targets: see `build_engine`.
    """

    flavour: str
    model: str
    onnx: Path
    precision: str
    plan: TilePlan
    targets: tuple[str, ...] = ()

    @property
    def profile(self) -> Profile:
        """All tiles of a frame as one batch."""
        return Profile.of(self.plan)

    @property
    def file_name(self) -> str:
        """Name of the engine's file: what a user chose, not where it was built.

        The GPU is not in it: an engine of another one is found, and told apart by its sidecar.
        """
        batch = f"{self.plan.count}x{self.plan.tile_width}x{self.plan.tile_height}"
        return f"{base_name(self.onnx)}-{self.precision}-{batch}-{self.flavour}.engine"


@dataclass(frozen=True)
class BuiltEngine:
    """An engine that is ready for execution contexts.

    engine: TensorRT's ICudaEngine. errors: of all that it does, see `error_log`.
    """

    flavour: Flavour
    sidecar: Sidecar
    engine: Any
    errors: list[str]


def ensure_built(
    request: BuildRequest, folder: Path, *, report: Report = lambda what, share: None
) -> EngineFile:
    """The engine file in `folder` that meets a request; built when there is none that does.

    Why it is built is logged in one line. Processes that build in the same folder take turns, and
    Ctrl-C leaves what was there before. Raises UsageError and RtsdbError as `build_engine` does,
    and RtsdbError where a GPU is needed to tell what to build for.
    """
    if request.precision not in PRECISIONS:
        raise UsageError(
            f"--precision {request.precision}: TensorRT engines are {' or '.join(PRECISIONS)}"
        )
    flavour = load_flavour(request.flavour)
    flavour.check_targets(request.targets)
    int8 = "int8" if flavour.strongly_typed else "int8-fp32"
    graph = graph_in(request.onnx, int8 if request.precision == "int8" else request.precision)
    key = engine_key(request, flavour, graph)
    path = folder / request.file_name
    with suppress(EngineFileError):
        return _read_fitting(path, key)
    with _one_build_at_a_time(folder):
        try:
            return _read_fitting(path, key)
        except EngineFileError as error:
            log.warning("%s: %s; building", path, error.reason)
        before = time.perf_counter()
        engine = build_engine(
            flavour,
            graph,
            precision=request.precision,
            profile=request.profile,
            targets=key.sms if flavour.is_rtx else (),
            report=report,
        )
        sidecar = Sidecar(
            key,
            model=request.model,
            sha256=fingerprint(engine),
            built=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            seconds=round(time.perf_counter() - before, 3),
        )
        file = EngineFile(path, engine, sidecar)
        write_engine(file)
    return file


def engine_key(request: BuildRequest, flavour: Flavour, graph: Path) -> EngineKey:
    """What the engine of a request depends on; raises RtsdbError where it needs a GPU to tell.

    TensorRT's engines run on the very GPU that built them, TensorRT-RTX's on any of their
    compute capabilities.
    """
    sms, device = request.targets, None
    if flavour.is_rtx and not sms:
        try:
            sms = (find_gpus()[0].sm,)
        except RtsdbError as error:
            raise RtsdbError(f"{error}; to build for another machine, give --target") from error
        flavour.check_targets(sms)
    elif not flavour.is_rtx:
        gpu = find_gpus()[0]
        sms, device = (gpu.sm,), gpu.name
    return EngineKey(
        onnx=digest(graph),
        flavour=flavour.name,
        version=flavour.version,
        sms=sms,
        device=device,
        precision=request.precision,
        tiles=str(request.plan),
        profile=request.profile,
    )


def load_built_engine(file: EngineFile, plan: TilePlan) -> BuiltEngine:
    """Open an engine that rtsdb built, for the GPU of this machine and the tiles of `plan`.

    Raises EngineFileError with the one reason, such as another GPU or version, and RtsdbError
    where there is no GPU or TensorRT does not take it.
    """
    key = file.sidecar.key
    flavour = load_flavour(key.flavour)
    gpu = find_gpus()[0]
    here = replace(
        key, version=flavour.version, sms=(gpu.sm,), device=gpu.name if key.device else None
    )
    _check_fits(file, here)
    if not key.profile.takes(plan):
        raise EngineFileError(file.path, f"it takes {key.profile}, not {plan}")
    logger, errors = error_log(flavour)
    runtime = create(flavour, "Runtime", logger, errors)
    engine = runtime.deserialize_cuda_engine(file.engine)
    if engine is None:
        raise RtsdbError(
            f"{file.path}: {flavour.name} cannot load it ({first_error(errors)}); "
            "if the file is at fault, delete it"
        )
    return BuiltEngine(flavour, file.sidecar, engine, errors)


def _read_fitting(path: Path, key: EngineKey) -> EngineFile:
    """The engine at `path`; raises EngineFileError unless it does for `key`."""
    file = read_engine(path)
    _check_fits(file, key)
    return file


def _check_fits(file: EngineFile, key: EngineKey) -> None:
    reason = file.sidecar.key.why_not(key)
    if reason is not None:
        raise EngineFileError(file.path, reason)


@contextmanager
def _one_build_at_a_time(folder: Path) -> Iterator[None]:
    """Keep other processes from building in a folder: TensorRT times kernels, too.

    The lock is on the folder itself, so that no file stays behind; the system drops it with the
    process.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise UsageError(f"{folder}: cannot hold engines: {error.strerror}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.warning("%s: another process builds there; waiting for it", folder)
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:  # folders on NFS
            raise UsageError(
                f"{folder}: cannot be locked ({error.strerror}); give a folder on a local disk"
            ) from error
        yield
    finally:
        os.close(handle)
