"""Packages that rtsdb can do without, imported where they are first needed."""

from __future__ import annotations

import importlib
from typing import Any

from rtsdb.errors import MissingPackageError, RtsdbError


def load_package(package: str, *, extra: str) -> Any:
    """Import a package that the extra `extra` brings, or a module of it.

    Raises MissingPackageError where it is absent, and RtsdbError where it is there but does not
    load, as GPU packages do on machines without their libraries.

    >>> load_package("json", extra="none").dumps([1])
    '[1]'
    """
    top = package.partition(".")[0]
    try:
        found = importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name in (top, package):
            raise MissingPackageError(top, extra=extra) from error
        reason: Exception = error
    except Exception as error:  # of any type, such as ValueError for another NumPy's binary form
        reason = error
    else:
        if not _is_bare_folder(found):
            return found
        raise MissingPackageError(top, extra=extra)
    first = str(reason).strip().partition("\n")[0]
    raise RtsdbError(f"{package} is installed but does not load: {first}") from reason


def _is_bare_folder(module: Any) -> bool:
    """Whether there is only a folder of that name, as packages of type stubs leave one."""
    return hasattr(module, "__path__") and getattr(module, "__file__", None) is None
