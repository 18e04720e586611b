from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from rtsdb.engine.tensorrt_flavour import Flavour, error_log, load_flavour
from rtsdb.errors import MissingPackageError, RtsdbError, UsageError


@pytest.mark.parametrize(("name", "extra"), [("tensorrt", "tensorrt"), ("tensorrt-rtx", "rtx")])
def test_an_absent_flavour_names_its_extra(
    monkeypatch: pytest.MonkeyPatch, name: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, name.replace("-", "_"), None)
    with pytest.raises(MissingPackageError, match=rf"rtsdb\[{extra}\]"):
        load_flavour(name)


def test_other_names_are_refused() -> None:
    with pytest.raises(UsageError, match=r"--engine warp: .*tensorrt, tensorrt-rtx"):
        load_flavour("warp")


@pytest.mark.parametrize("version", ["8.6.1", "10.3.0", "11.4.0.106"])
def test_versions_from_8_6_on_are_taken(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", SimpleNamespace(__version__=version))
    assert load_flavour("tensorrt").version == version


def test_jetpack_5_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", SimpleNamespace(__version__="8.5.2.2"))
    with pytest.raises(RtsdbError, match=r"tensorrt 8\.5\.2\.2 .*JetPack 6\.2"):
        load_flavour("tensorrt")


def test_tensorrt_rtx_is_what_its_name_says() -> None:
    trt = pytest.importorskip("tensorrt_rtx")
    flavour = load_flavour("tensorrt-rtx")
    assert flavour == Flavour("tensorrt-rtx", trt)
    assert flavour.is_rtx
    assert flavour.strongly_typed
    flavour.check_targets(["sm75", "sm86", "sm89", "sm120"])
    with pytest.raises(UsageError, match=r"not build for sm87, only for .*sm86, sm89"):
        flavour.check_targets(["sm89", "sm87"])


def test_errors_are_kept_as_lines_and_the_rest_is_not() -> None:
    trt = pytest.importorskip("tensorrt_rtx")
    logger, errors = error_log(load_flavour("tensorrt-rtx"))
    for severity, text in (
        (trt.ILogger.VERBOSE, "chatter"),
        (trt.ILogger.WARNING, "beware"),
        (trt.ILogger.ERROR, "first\n  cause"),
        (trt.ILogger.INTERNAL_ERROR, "second"),
    ):
        logger.log(severity, text)
    assert errors == ["first cause", "second"]
