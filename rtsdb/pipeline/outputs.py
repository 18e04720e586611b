"""What a run writes to: sinks put together, and what became of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rtsdb.errors import HangsError
from rtsdb.pipeline.latency import OutputLatency
from rtsdb.pipeline.stage import Patience, Stage
from rtsdb.video.sinks import FanOut, Outcome, SinkOptions, open_labels, open_metadata, open_sink
from rtsdb.video.sinks.base import Sink
from rtsdb.watchdog import FIRST, LATER


def open_outputs(
    sinks: Sequence[str],
    labels: str | None,
    metadata: str | None,
    options: SinkOptions,
    latency: OutputLatency,
) -> Sink:
    """One sink for all that --sink, --labels and --metadata name; UsageError where that fails.

    latency: is told of the frames that each of several sinks has written, and those of a sink
    that frames do not wait for.

    >>> open_outputs(["null"], None, None, SinkOptions(), OutputLatency()).name
    'null'
    >>> open_outputs(["a.mp4"], "b/", None, SinkOptions(), OutputLatency()).location
    'a.mp4, b'
    """
    opened = [open_sink(text, options) for text in sinks]
    if labels is not None:
        opened.append(open_labels(labels, options))
    if metadata is not None:
        opened.append(open_metadata(metadata, options))
    if len(opened) == 1 and opened[0].policy == "block":
        return opened[0]  # nothing to be kept apart: the rendering thread writes it
    return FanOut(opened, latency)


def close_output(output: Sink) -> None:
    """Close a sink in a thread of its own, so that Ctrl-C does not cut off what it finishes.

    Raises what closing it raises. One that hangs for 30 s, or for 4 s after Ctrl-C, is left behind
    with HangsError; one that `ends_hanging` is waited for.
    """
    errors: list[BaseException] = []

    def close(_: str) -> None:
        try:
            output.close()
        except BaseException as error:
            errors.append(error)

    stage = Stage("close", close)
    stage.start()
    seconds = FIRST
    while stage.is_running():
        try:
            Patience(math.inf if output.ends_hanging else seconds).await_end([stage])
            break
        except KeyboardInterrupt:
            seconds = LATER
    if stage.is_running():
        output.left_behind = True
        raise HangsError(f"{output.name}: could not be finished in {seconds:.0f} s")
    if errors:
        raise errors[0]


def outcomes(output: Sink, frames: int, error: Exception | None) -> tuple[Outcome, ...]:
    """What became of each sink of a closed `output`, which got `frames` frames.

    error: what closing it raised.
    """
    if isinstance(output, FanOut):
        return output.outcomes
    failed = None if error is None else str(error)
    return (Outcome(output.name, output.location, frames, dropped=0, error=failed),)
