from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rtsdb.cli import app
from rtsdb.engine import tensorrt_cache
from rtsdb.engine.tensorrt_file import read_engine
from rtsdb.errors import RtsdbError, UsageError
from rtsdb.gpu import Gpu


def build(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["build", *arguments], env={"COLUMNS": "200"})


def test_an_engine_and_its_sidecar_are_written_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("tensorrt_rtx")
    arguments = ["--engine", "tensorrt-rtx", "--size", "192x64", "--tile", "96x64"]
    for count in (1, 1):
        result = build(*arguments, "--target", "SM86,sm89", "-o", str(tmp_path / "e"))
        assert result.exit_code == 0, result.output
        assert len(caplog.records) == count
    path = tmp_path / "e" / "rt-k1-fp16-2x192x64-tensorrt-rtx.engine"
    assert str(path) in result.output
    sidecar = read_engine(path).sidecar
    assert sidecar.model == "rt K=1"
    assert sidecar.key.sms == ("sm86", "sm89")
    assert (sidecar.key.flavour, sidecar.key.precision) == ("tensorrt-rtx", "fp16")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engine", "warp", "--size", "64x64"], "--engine warp: .*tensorrt, tensorrt-rtx"),
        (["--engine", "tensorrt-rtx", "--size", "big"], "--size big: give WIDTHxHEIGHT"),
        (["--engine", "tensorrt-rtx", "--size", "32x32"], "smallest side"),
        (["--engine", "tensorrt-rtx", "--size", "64x64", "--tile", "5"], "--tile 5"),
        (["--engine", "tensorrt-rtx", "--size", "64x64", "--target", ","], "--target ',': give"),
        (["--engine", "tensorrt-rtx", "--size", "64x64", "--model", "huge"], "--model huge"),
        (["--engine", "tensorrt-rtx", "--size", "64x64", "--precision", "fp8"], "--precision fp8"),
    ],
)
def test_a_bad_option_is_named(tmp_path: Path, arguments: list[str], message: str) -> None:
    result = build(*arguments, "-o", str(tmp_path / "e"))
    assert isinstance(result.exception, UsageError)
    with pytest.raises(UsageError, match=message):
        raise result.exception
    assert not (tmp_path / "e").exists()


def test_weights_are_no_graph(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.touch()
    result = build("--engine", "tensorrt-rtx", "--size", "64x64", "--model", str(path))
    assert isinstance(result.exception, UsageError)
    assert "rtsdb export" in str(result.exception)


def test_without_a_gpu_the_target_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorrt_rtx")

    def none() -> list[Gpu]:
        raise RtsdbError("no NVIDIA driver: libcuda.so.1 cannot be loaded")

    monkeypatch.setattr(tensorrt_cache, "find_gpus", none)
    result = build("--engine", "tensorrt-rtx", "--size", "64x64", "-o", str(tmp_path))
    assert str(result.exception) == (
        "no NVIDIA driver: libcuda.so.1 cannot be loaded; to build for another machine, "
        "give --target"
    )
    assert not list(tmp_path.iterdir())
