"""Tests that run in a process of their own, where the CUDA driver is the double.

    @on_double(integrated="1")
    def test_memory_is_shared(size: int) -> None:
        from pycuda import driver
        ...

A process loads one libcuda for good, and misuse of the double ends it: hence a process per test.
They are forked from one that has loaded the double and pycuda, which saves most of their time.
"""

from __future__ import annotations

import ast
import atexit
import ctypes
import faulthandler
import functools
import importlib
import importlib.util
import inspect
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cuda_double.build import build, missing

Function = Callable[..., None]
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300
"""Seconds after which a test that hangs is ended."""


def on_double(**settings: str) -> Callable[[Function], Function]:
    """Run a test's body on the double; skip the test where that cannot be built.

    settings: the double's environment variables, such as integrated="1"; control.h has the list.
    The test's parameters are literals; fixtures do not reach it.
    """

    def decorate(test: Function) -> Function:
        @functools.wraps(test)
        def run_elsewhere(**arguments: Any) -> None:
            code, output = _run(test, arguments, settings)
            assert code == 0, f"exit code {code}\n{output}"

        return run_elsewhere

    return decorate


def violation_of(function: Function, **arguments: Any) -> str:
    """Run a function of a test module on the double; the message with which that ends it."""
    code, output = _run(function, arguments, {})
    found = re.search("^cuda double: (.*)$", output, re.MULTILINE)
    assert found, f"exit code {code}\n{output}"
    return found[1]


def _run(
    function: Function, arguments: Mapping[str, Any], settings: Mapping[str, str]
) -> tuple[int, str]:
    """Exit code and output of a process that runs a function."""
    server, folder = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    variables = {f"CUDA_DOUBLE_{name.upper()}": value for name, value in settings.items()}
    place = inspect.getfile(function), function.__name__
    server.stdin.write(repr((*place, dict(arguments), variables)) + "\n")
    server.stdin.flush()
    return int(server.stdout.readline()), (folder / "output").read_text()


@functools.cache
def _server() -> tuple[subprocess.Popen[str], Path]:
    """The process that tests are forked from, and its folder."""
    reason = missing()
    if reason is None and importlib.util.find_spec("pycuda") is None:
        reason = "pycuda is not installed (python -m tests.cuda_double.install_pycuda)"
    if reason is not None:
        pytest.skip(f"no CUDA driver double: {reason}")
    folder = Path(tempfile.mkdtemp(prefix="cuda-double-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    command = [sys.executable, "-m", "tests.cuda_double.harness", str(build(folder))]
    pipe = subprocess.PIPE
    server = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
    return server, folder


def serve(library: Path) -> None:
    """Run every function that standard input names in a process of its own."""
    faulthandler.enable()
    ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)  # before anything loads another libcuda
    importlib.import_module("pycuda.driver")
    for line in sys.stdin:
        path, name, arguments, variables = ast.literal_eval(line)
        child = os.fork()
        if child == 0:
            signal.alarm(PATIENCE)
            output = os.open(library.with_name("output"), os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
            os.dup2(output, sys.stdout.fileno())
            os.dup2(output, sys.stderr.fileno())
            os.environ.update(variables)
            return _call(path, name, arguments)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    return None


def _call(path: str, name: str, arguments: Mapping[str, Any]) -> None:
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    inspect.unwrap(getattr(module, name))(**arguments)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
