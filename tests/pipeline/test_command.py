"""What `rtsdb run` refuses before it takes the time to load an engine."""

import pytest

from rtsdb.engine.base import Engine
from rtsdb.errors import UsageError
from rtsdb.pipeline.command import RunRequest, run_once
from rtsdb.pipeline.processing import Processing
from rtsdb.video.sources import SourceOptions


@pytest.mark.parametrize("sinks", [["out.gif"], ["out.mp4", "out.mp4"]])
def test_sinks_that_cannot_be_are_refused_before_the_engine_loads(
    sinks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(_: Processing) -> Engine:
        raise AssertionError("the engine was loaded")

    monkeypatch.setattr(Processing, "load_engine", load)
    request = RunRequest(
        Processing(),
        sources=["demo"],
        source_options=SourceOptions(),
        sinks=sinks,
        labels=None,
        metadata=None,
        encoder="auto",
        frames=1,
        paced=False,
        report=None,
    )
    with pytest.raises(UsageError, match=r"out\.(gif|mp4): "):
        run_once(request, lambda *_: None, lambda _: None)
