"""pycuda's module of driver functions, or why there is none."""

from __future__ import annotations

from typing import Any

from rtsdb.optional import load_package


def driver() -> Any:
    """`pycuda.driver`, which cannot be imported where there is no NVIDIA driver.

    Raises MissingPackageError where pycuda is absent, RtsdbError where it does not load.
    """
    return load_package("pycuda.driver", extra="cuda")
