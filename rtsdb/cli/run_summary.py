"""What `rtsdb run` prints when it has ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rtsdb.cli.console import console

if TYPE_CHECKING:
    from rtsdb.video.sinks import Outcome


def print_summary(facts: dict[str, object]) -> None:
    """Latency, drops and, where there is a clean frame, quality; facts: of `build_report`."""
    engine, latency = facts["engine"], facts["latency_ms"]
    output_latency = facts["output_latency_ms"]
    assert isinstance(engine, dict)
    assert isinstance(latency, dict)
    assert isinstance(output_latency, dict)
    table = Table(
        title=f"{engine['model']}, {engine['name']} {engine['precision']}, {engine['tiles']}",
        caption=f"{facts['frames']} frames, {facts['fps']:.2f} fps, {engine['device']}",
    )
    table.add_column("ms per frame")
    for column in ("count", "p50", "p90", "p99", "max"):
        table.add_column(column, justify="right")
    rows = latency | {f"arrival to {name}": row for name, row in output_latency.items()}
    for name, row in rows.items():
        values = [f"{row[column]:.1f}" for column in ("p50", "p90", "p99", "max")]
        table.add_row(name, str(row["count"]), *values, end_section=name == "encode")
    out = Console()
    out.print(table)
    dropped = facts["dropped"]
    assert isinstance(dropped, dict)
    for cause, count in dropped.items():
        out.print(f"dropped ({cause}): {count}")
    if facts["reconnects"]:
        lost = facts["lost_seconds"]
        out.print(f"reconnects: {facts['reconnects']}, {lost:.1f} s without pictures")
    quality = facts["psnr_db"]
    if isinstance(quality, dict):
        noisy, denoised = (
            "equal" if quality[key] is None else f"{quality[key]:.2f} dB"
            for key in ("noisy", "denoised")
        )
        out.print(f"PSNR against the clean frames: noisy {noisy}, denoised {denoised}")
    if facts["miou"] is not None:
        out.print(f"mIoU against the ground truth: {facts['miou']:.1%}")


def print_outcomes(outcomes: Iterable[Outcome]) -> None:
    """Where the outputs lie, or what ended them, and how many frames they missed."""
    for outcome in outcomes:
        missed = f", {outcome.dropped} frames missed by being slow" if outcome.dropped else ""
        if outcome.error is not None:
            console.print(
                f"output failed after {outcome.written} frames: {escape(outcome.error)}{missed}"
            )
        elif outcome.location or missed:
            console.print(f"output: [bold]{escape(outcome.name)}[/]{missed}")
