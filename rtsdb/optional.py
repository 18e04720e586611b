"""Packages that rtsdb can do without, imported where they are first needed."""

from __future__ import annotations

import importlib
from typing import Any

from rtsdb.errors import MissingPackageError, RtsdbError


def load_package(package: str, *, extra: str) -> Any:
    """Import a package that the extra `extra` brings.

    Raises MissingPackageError where it is absent, and RtsdbError where it is there but does not
    load, as GPU packages do on machines without their libraries.

    >>> load_package("json", extra="none").dumps([1])
    '[1]'
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name == package:
            raise MissingPackageError(package, extra=extra) from error
        reason: Exception = error
    except (ImportError, OSError, RuntimeError, AssertionError) as error:
        reason = error
    first = str(reason).strip().partition("\n")[0]
    raise RtsdbError(f"{package} is installed but does not load: {first}") from reason
