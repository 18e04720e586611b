"""Engine files: a serialized engine and, beside it, a JSON sidecar that says what it is."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from rtsdb.engine.tensorrt_build import Profile
from rtsdb.errors import RtsdbError
from rtsdb.files import write_bytes, write_text


@dataclass(frozen=True)
class EngineKey:
    """All that decides whether an engine may be used in place of a new one.

    onnx: hash of the graph with its weights. flavour, version: the TensorRT that built it.
    sms: compute capabilities it runs on. device: the only GPU it runs on, by name; None: any.
    precision: of its arithmetic. tiles: the tile plan. profile: the shapes it takes.
    """

    onnx: str
    flavour: str
    version: str
    sms: tuple[str, ...]
    device: str | None
    precision: str
    tiles: str
    profile: Profile

    def why_not(self, wanted: EngineKey) -> str | None:
        """The first reason why an engine of this key does not do for `wanted`; None: it does."""
        if self.onnx != wanted.onnx:
            return "the ONNX file has changed since it was built"
        if not set(wanted.sms) <= set(self.sms):
            return f"it was built for {', '.join(self.sms)}, not {', '.join(wanted.sms)}"
        for field in fields(self):
            mine, theirs = getattr(self, field.name), getattr(wanted, field.name)
            if field.name != "sms" and mine != theirs:
                return f"it was built with {field.name} {mine}, not {theirs}"
        return None


@dataclass(frozen=True)
class Sidecar:
    """What is known of an engine file.

    key: what it was built for. model: name and stages. sha256: of the engine, see `fingerprint`.
    built: when, in UTC. seconds: how long that took.
    """

    key: EngineKey
    model: str
    sha256: str
    built: str
    seconds: float


@dataclass(frozen=True)
class EngineFile:
    """An engine file as it was read or written: what happens to `path` later does not matter."""

    path: Path
    engine: bytes
    sidecar: Sidecar


class EngineFileError(RtsdbError):
    """An engine file that cannot be used. reason: why, without the file's name.

    >>> str(EngineFileError(Path("a.engine"), "not built yet"))
    "a.engine: not built yet; make it with 'rtsdb build'"
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}; make it with 'rtsdb build'")
        self.reason = reason


def fingerprint(engine: bytes) -> str:
    """SHA-256 of a serialized engine, in hexadecimal."""
    return hashlib.sha256(engine).hexdigest()


def sidecar_path(engine: Path) -> Path:
    """Where the sidecar of an engine file lies.

    >>> sidecar_path(Path("engines/rt-k1.engine")).name
    'rt-k1.json'
    """
    return engine.with_suffix(".json")


def write_engine(file: EngineFile) -> None:
    """Write an engine and its sidecar, each in one piece; until both are there, neither counts."""
    write_bytes(file.engine, file.path)
    write_text(json.dumps(asdict(file.sidecar), indent=2) + "\n", sidecar_path(file.path))


def read_engine(path: Path) -> EngineFile:
    """An engine and its sidecar; raises EngineFileError unless `write_engine` wrote them."""
    beside = sidecar_path(path)
    try:
        engine = path.read_bytes()
    except OSError as error:
        raise EngineFileError(path, "not built yet") from error
    try:
        sidecar = _parse(beside.read_text())
    except OSError as error:
        raise EngineFileError(path, f"{beside.name}, which says what it is, is missing") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise EngineFileError(path, f"{beside.name} is of another version") from error
    if fingerprint(engine) != sidecar.sha256:
        raise EngineFileError(path, "it is damaged, or not the file that was built")
    return EngineFile(path, engine, sidecar)


def _parse(sidecar: str) -> Sidecar:
    found = json.loads(sidecar)
    key = found.pop("key")
    key |= {"sms": tuple(key["sms"]), "profile": Profile(**key["profile"])}
    return Sidecar(EngineKey(**key), **found)
