"""What sweeps measured on this machine, kept in the user's cache for `rtsdb run --auto-tune`.

One JSON file for each machine, set of versions, network and frame size: whatever changes the rates
makes another file.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rtsdb.bench.from_json import from_json
from rtsdb.bench.model import Row, Setup
from rtsdb.bench.pareto import held_fps
from rtsdb.errors import RtsdbError
from rtsdb.evaluation.model import find_stages
from rtsdb.files import write_text
from rtsdb.gpu import gpu_names
from rtsdb.machine import cpu_name, usable_cpus, versions
from rtsdb.onnx_file import digest
from rtsdb.weights import find_model

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tried:
    """A setup that was measured, and the rate that it held (`held_fps`)."""

    setup: Setup
    fps: float


@dataclass(frozen=True)
class Tuning:
    """What is kept in one file. key: what the rates depend on besides the setups."""

    key: dict[str, object]
    tried: tuple[Tried, ...]


def load_tried(model: str, size: tuple[int, int], folder: Path | None = None) -> list[Tried]:
    """What sweeps of a model at a size found on this machine as it is now; none, no list.

    folder: where it is kept, else `cache_folder()`.
    """
    key = _key(model, size)
    try:
        facts = json.loads(_path(key, folder).read_text())
        kept = from_json(Tuning, facts)
    except (OSError, ValueError):
        return []
    return list(kept.tried) if kept.key == key else []


def save_tried(model: str, rows: Sequence[Row], folder: Path | None = None) -> None:
    """Keep what a sweep of a model measured, beside what earlier ones did.

    What failed, or had one round only, is not kept, so that it is tried again. A folder that cannot
    be written is logged in one line: the next run has to measure again.
    """
    for size in dict.fromkeys(row.setup.size for row in rows):
        known = {one.setup: one for one in load_tried(model, size, folder)}
        for row in rows:
            fps = held_fps(row)
            rounds = () if row.pipeline is None else row.pipeline.rounds
            if row.setup.size == size and fps is not None and len(rounds) > 1:
                known[row.ran] = Tried(row.ran, fps)
        _write(Tuning(_key(model, size), tuple(known.values())), folder)


def cache_folder() -> Path:
    """Where programs keep such files: XDG Base Directory Specification."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "rtsdb" / "tuning"


def _write(tuning: Tuning, folder: Path | None) -> None:
    path = _path(tuning.key, folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(json.dumps(asdict(tuning), indent=1) + "\n", path)
    except (OSError, RtsdbError) as error:
        log.warning("what was measured cannot be kept: %s", error)


def _key(model: str, size: tuple[int, int]) -> dict[str, object]:
    networks = [find_model(model, stages) for stages in find_stages(model, None)]
    files = dict.fromkeys(path for net in networks for path in (net.onnx, net.weights) if path)
    return {
        "cpu": cpu_name(),
        "cpus": usable_cpus(),
        "gpus": gpu_names(),
        "versions": versions(),
        "model": hashlib.sha256("".join(map(_digest, files)).encode()).hexdigest(),
        "size": list(size),
    }


def _digest(path: Path) -> str:
    if path.suffix == ".onnx":
        return digest(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _path(key: dict[str, object], folder: Path | None) -> Path:
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    return (folder or cache_folder()) / f"{name}.json"
