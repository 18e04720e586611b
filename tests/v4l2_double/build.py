"""Compile the camera double."""

import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("v4l2_double.c")
FLAGS = ("-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden")


def missing() -> str | None:
    """Why the double cannot be compiled on this machine; None if it can."""
    if shutil.which("cc") is None:
        return "there is no C compiler"
    if not Path("/usr/include/linux/videodev2.h").is_file():
        return "there is no header linux/videodev2.h"
    return None


def build(folder: Path) -> Path:
    """Compile the double into a folder, as a library to preload."""
    library = folder / "v4l2_double.so"
    linking = ("-shared", "-fPIC", "-pthread", "-ldl", f"-o{library}")
    subprocess.run(["cc", *FLAGS, str(SOURCE), *linking], check=True)
    return library
