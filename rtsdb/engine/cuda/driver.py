"""pycuda's module of driver functions, or why there is none."""

from __future__ import annotations

from typing import Any

from rtsdb.errors import MissingPackageError, RtsdbError


def driver() -> Any:
    """`pycuda.driver`, which cannot be imported where there is no NVIDIA driver.

    Raises MissingPackageError where pycuda is absent, RtsdbError where it does not load.
    """
    try:
        from pycuda import driver as found
    except ModuleNotFoundError as error:
        raise MissingPackageError("pycuda", extra="cuda") from error
    except ImportError as error:
        raise RtsdbError(f"pycuda is installed but does not load: {error}") from error
    return found
