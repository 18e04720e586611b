from __future__ import annotations

import pytest

from rtsdb.engine import tensorrt_progress
from rtsdb.engine.tensorrt_progress import log_progress


def test_only_long_builds_are_told_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    report = log_progress("a.engine")
    report("tactics", 0.125)
    assert not caplog.messages
    monkeypatch.setattr(tensorrt_progress, "LOG_EVERY", 0.0)
    report("tactics", 0.25)
    assert caplog.messages == ["a.engine: 25 % built (tactics)"]
