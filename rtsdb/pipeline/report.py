"""A run's figures as JSON, for people and programs that compare runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rtsdb.engine.base import Engine
from rtsdb.files import json_number, write_text
from rtsdb.machine import describe_machine
from rtsdb.pipeline.latency import OutputLatency
from rtsdb.pipeline.summary import Summary
from rtsdb.video.sinks import Outcome

SCHEMA = 1
"""Version of the report's layout; a change that breaks a reader raises it."""


def build_report(
    summary: Summary,
    engine: Engine,
    outputs: Sequence[Outcome],
    output_latency: OutputLatency,
    settings: dict[str, object],
) -> dict[str, object]:
    """Everything known about a run: machine, engine, settings, latency in ms, drops, quality.

    outputs: what became of the sinks. output_latency: of each, where there are several.
    settings: what the run was asked to do, such as its source and sink.
    """
    quality = summary.quality
    confusion = quality.confusion
    return {
        "schema": SCHEMA,
        "machine": describe_machine(),
        "settings": settings,
        "engine": {**asdict(engine.info), "tiles": engine.plan},
        "frames": summary.frames,
        "seconds": summary.seconds,
        "fps": summary.fps,
        "interrupted": summary.interrupted,
        "dropped": dict(summary.dropped),
        "reconnects": summary.reconnects,
        "lost_seconds": summary.lost_seconds,
        "outputs": [asdict(output) for output in outputs],
        "latency_ms": {k: asdict(v) for k, v in summary.latency.percentiles().items()},
        "output_latency_ms": {k: asdict(v) for k, v in output_latency.percentiles().items()},
        "psnr_db": {
            "noisy": json_number(quality.psnr_noisy / quality.frames),
            "denoised": json_number(quality.psnr_denoised / quality.frames),
        }
        if quality.frames
        else None,
        "miou": json_number(confusion.miou()) if confusion is not None and summary.frames else None,
    }


def write_report(report: dict[str, object], path: Path) -> None:
    """Write a report as indented JSON, in one piece or not at all."""
    write_text(json.dumps(report, indent=2) + "\n", path)
