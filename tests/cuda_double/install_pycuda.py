"""Install pycuda where the CUDA toolkit is, with or without a GPU, for tests on the double.

python -m tests.cuda_double.install_pycuda
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.cuda_double.build import build, cuda_root, missing

PYCUDA = "pycuda==2026.1"


def main() -> None:
    """Compile and install pycuda, linked to the double; a machine's own driver serves it as well.

    Its setup reads ~/.aksetup-defaults.py. Without that file it wants a libcuda.so from a driver,
    and cuRAND.
    """
    reason = missing()
    if reason is not None:
        print(f"pycuda is not installed: {reason}; tests on the CUDA driver double will skip")
        return
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        settings = {
            "CUDA_ROOT": str(cuda_root()),
            "CUDA_ENABLE_CURAND": False,
            "CUDADRV_LIB_DIR": [folder],
            "CXXFLAGS": ["-O1", "-w"],
        }
        lines = [f"{name} = {value!r}\n" for name, value in settings.items()]
        Path(folder, ".aksetup-defaults.py").write_text("".join(lines))
        home = {  # pip's cache and settings stay where they are
            "HOME": folder,
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
            "XDG_CONFIG_HOME": os.environ.get("XDG_CONFIG_HOME", str(Path.home() / ".config")),
        }
        command = [sys.executable, "-m", "pip", "install", "--quiet", PYCUDA]
        subprocess.run(command, check=True, env={**os.environ, **home})


if __name__ == "__main__":
    main()
