from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from rtsdb.errors import MissingPackageError, RtsdbError
from rtsdb.optional import load_package


def test_an_absent_package_names_its_extra() -> None:
    with pytest.raises(MissingPackageError, match=r"'no_such_package' .*rtsdb\[fast\]"):
        load_package("no_such_package", extra="fast")


def test_a_module_of_an_absent_package_names_the_package() -> None:
    with pytest.raises(MissingPackageError, match=r"'no_such_package' .*rtsdb\[fast\]"):
        load_package("no_such_package.part", extra="fast")


def test_a_folder_without_code_is_no_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "only_stubs").mkdir()
    (tmp_path / "only_stubs" / "__init__.pyi").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingPackageError, match=r"'only_stubs' .*rtsdb\[fast\]"):
        load_package("only_stubs", extra="fast")


@pytest.mark.parametrize(
    "failure",
    [
        ModuleNotFoundError("No module named 'numpy'", name="numpy"),
        ImportError("libcudart.so.12: cannot open shared object file"),
        OSError("libnvinfer.so.10: cannot open shared object file\nmore"),
        RuntimeError("no driver"),
        ValueError("numpy.dtype size changed, may indicate binary incompatibility"),
        AssertionError("Torch not compiled with CUDA enabled"),
    ],
)
def test_a_package_that_does_not_load_says_why_in_one_line(
    monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fail(name: str) -> Any:
        raise failure

    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(RtsdbError) as caught:
        load_package("tensorrt", extra="tensorrt")
    assert not isinstance(caught.value, MissingPackageError)
    first = str(failure).splitlines()[0]
    assert str(caught.value) == f"tensorrt is installed but does not load: {first}"
