"""Compile the CUDA driver double into a libcuda.so.1."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

SOURCES = Path(__file__).parent
FLAGS = ("-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden")


def cuda_root() -> Path | None:
    """The CUDA toolkit's folder, None where its headers are not installed."""
    named = [os.environ[name] for name in ("CUDA_HOME", "CUDA_PATH") if name in os.environ]
    for folder in [*named, "/usr/local/cuda", "/usr"]:
        if (Path(folder) / "include" / "cuda.h").is_file():
            return Path(folder)
    return None


def missing() -> str | None:
    """Why the double and pycuda cannot be compiled on this machine; None if they can."""
    if shutil.which("cc") is None or shutil.which("c++") is None:
        return "there is no C or no C++ compiler"
    if cuda_root() is None:
        return "there are no CUDA headers (cuda.h)"
    return None


def build(folder: Path) -> Path:
    """Compile the double into a folder as libcuda.so.1, and libcuda.so for linking."""
    library = folder / "libcuda.so.1"
    sources = [str(path) for path in sorted(SOURCES.glob("*.c"))]
    linking = ("-shared", "-fPIC", "-pthread", "-Wl,-soname,libcuda.so.1", f"-o{library}")
    subprocess.run(["cc", *FLAGS, f"-I{cuda_root()}/include", *sources, *linking], check=True)
    (folder / "libcuda.so").symlink_to(library.name)
    return library
