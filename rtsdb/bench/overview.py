"""All setups of a report side by side, as tables of text, and where and when they were measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from rtsdb.bench.model import Probe, Report, Row
from rtsdb.bench.tables import Table


def describe_conditions(machine: Mapping[str, object]) -> str:
    """Date, hardware, settings and versions in a line; what the machine does not tell is left out.

    >>> describe_conditions({"date": "2026-11-22", "cpu": "a CPU", "cpus": 4, "usable_cpus": 2})
    '2026-11-22, a CPU, 2 of 4 processors'
    """
    gpus, versions = machine.get("gpus"), machine.get("versions")
    usable, cpus = machine.get("usable_cpus"), machine.get("cpus")
    commit, dirty = machine.get("git_commit"), machine.get("git_dirty")
    words = [
        machine.get("date"),
        machine.get("cpu"),
        f"{usable} of {cpus} processors" if usable and cpus else "",
        *(gpus if isinstance(gpus, (list, tuple)) else ()),
        machine.get("system"),
        _with("governor {}", machine.get("governor")),
        _with("power mode {}", machine.get("power_mode")),
        *(versions.items() if isinstance(versions, dict) else ()),
        _with("commit {:.9}" + (" with changes" if dirty else ""), commit),
    ]
    return ", ".join(
        " ".join(word) if isinstance(word, tuple) else str(word) for word in words if word
    )


def speed_table(rows: Sequence[Row]) -> Table:
    """Rates of both sides, and how long a frame takes from capture to output, setup by setup."""
    return Table(
        "speed",
        ("setup", "engine fps", "pipeline fps", "ratio", "p50 ms", "p90 ms", "p99 ms", "frames"),
        [[row.name, *_speed(row)] for row in rows],
        names=1,
        note="fps: median of the rounds; ms: from capture to output",
    )


def load_table(rows: Sequence[Row]) -> Table | None:
    """What the pipeline spends; None where nothing is known."""
    note = "CPU %: 100 is one core; RSS: the most memory"
    sides = filter(None, (row.pipeline or row.engine for row in rows))
    powers = sorted({side.load.power_of for side in sides if side.load.power_of})
    if powers:
        note += f"; W, J/frame: of {' or '.join(powers)}"
    return _of_measured("load of the pipeline", rows, _LOAD, note)


def roofline_table(report: Report) -> Table | None:
    """What the engine makes of the machine; None where the model's cost is not known."""
    note = "" if report.probe is None else f"peaks of this machine, probed: {_peaks(report.probe)}"
    return _of_measured("what the engine reaches", report.rows, _ROOFLINE, note)


def notes(row: Row) -> list[str]:
    """Why there are no figures, or what to know about them."""
    if row.error is not None:
        return [f"not measured: {row.error}"]
    dropped = {} if row.pipeline is None else row.pipeline.dropped
    return [
        *(f"{count} frames dropped ({cause})" for cause, count in dropped.items()),
        *row.warnings,
    ]


def milliseconds(value: float) -> str:
    """A duration with three or four digits that count.

    >>> milliseconds(0.1234), milliseconds(12.34), milliseconds(1234.5)
    ('0.12', '12.3', '1234')
    """
    return f"{value:.{0 if value >= 1000 else 1 if value >= 10 else 2}f}"


def _with(form: str, value: object) -> str:
    return "" if value is None else form.format(value)


def _speed(row: Row) -> list[str]:
    """The cells of a row, with dashes for a side that was not measured."""
    engine, pipeline = row.engine, row.pipeline
    rates = ["-" if side is None else f"{side.fps:.2f}" for side in (engine, pipeline)]
    if engine is None or pipeline is None:
        return [*rates, *["-"] * 5]
    latency = pipeline.latency
    percentiles = [milliseconds(ms) for ms in (latency.p50, latency.p90, latency.p99)]
    return [*rates, f"{pipeline.fps / engine.fps:.3f}", *percentiles, str(latency.count)]


def _of_load(name: str, form: str) -> Callable[[Row], str]:
    """Tells a figure of the pipeline's load, of the engine's where that is all there is."""

    def told(row: Row) -> str:
        side = row.pipeline or row.engine
        value = None if side is None else getattr(side.load, name)
        return "" if value is None else format(value, form)

    return told


def _temperature(place: int) -> Callable[[Row], str]:
    """Tells the temperature at the start of the pipeline's record (0), or at its end (1)."""

    def told(row: Row) -> str:
        side = row.pipeline or row.engine
        pair = None if side is None else side.load.temperature_c
        return "" if pair is None else f"{pair[place]:.0f}"

    return told


def _derived(name: str, form: str, scale: float = 1.0) -> Callable[[Row], str]:
    def told(row: Row) -> str:
        value = None if row.derived is None else getattr(row.derived, name)
        return "" if value is None else format(value * scale, form)

    return told


_LOAD: dict[str, Callable[[Row], str]] = {
    "CPU %": _of_load("cpu_percent", ".0f"),
    "CPU MHz": _of_load("cpu_clock_mhz", ".0f"),
    "RSS MB": _of_load("rss_mb", ".0f"),
    "GPU %": _of_load("gpu_percent", ".0f"),
    "GPU MHz": _of_load("gpu_clock_mhz", ".0f"),
    "GPU MB": _of_load("gpu_memory_mb", ".0f"),
    "W": _of_load("power_w", ".1f"),
    "J/frame": _of_load("energy_per_frame_j", ".2f"),
    "°C from": _temperature(0),
    "°C to": _temperature(1),
}
_ROOFLINE: dict[str, Callable[[Row], str]] = {
    "GMAC": _derived("macs", ".1f", 1e-9),
    "GB moved": _derived("bytes_moved", ".2f", 1e-9),
    "TFLOP/s": _derived("tflops", ".3f"),
    "of peak": _derived("peak_share", ".0%"),
    "of copying": _derived("copy_share", ".0%"),
    "bound by": lambda row: (row.derived and row.derived.bound) or "",
}


def _of_measured(
    title: str, rows: Sequence[Row], columns: Mapping[str, Callable[[Row], str]], note: str
) -> Table | None:
    """A row for every setup that was measured, without the columns that are empty in all."""
    measured = [row for row in rows if row.engine is not None]
    cells = {heading: [told(row) for row in measured] for heading, told in columns.items()}
    known = {heading: column for heading, column in cells.items() if any(column)}
    if not known:
        return None
    lines = [[row.name, *line] for row, *line in zip(measured, *known.values(), strict=True)]
    return Table(title, ("setup", *known), lines, names=1, note=note)


def _peaks(probe: Probe) -> str:
    """The best rates that were probed.

    >>> _peaks(Probe({"fp32": 0.5, "int8": 1.25}, 40.0))
    '0.5 TFLOP/s in fp32, 1.25 TFLOP/s in int8, copying 40 GB/s'
    """
    words = [*_rates(probe.tflops, probe.copy_gbs)]
    if probe.gpu_copy_gbs is not None:
        words += [f"GPU: {word}" for word in _rates(probe.gpu_tflops, probe.gpu_copy_gbs)]
    return ", ".join(words)


def _rates(tflops: Mapping[str, float], copy_gbs: float) -> Iterator[str]:
    for precision, rate in tflops.items():
        yield f"{rate:.3g} TFLOP/s in {precision}"
    yield f"copying {copy_gbs:.3g} GB/s"
