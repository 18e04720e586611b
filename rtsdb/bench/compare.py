"""Two reports side by side: what became faster or slower, as far as their noise lets one tell.

A ratio new / old has a 95 % interval by a hierarchical bootstrap: rounds are drawn with replacement
from those of each report, then as many frames from each drawn round (Davison and Hinkley,
"Bootstrap Methods and their Application", 1997, section 3.8), since frames of one round resemble
each other more than those of another. Percentile intervals of few rounds are too narrow, so the
tails are as much smaller as Student's t asks for (Hesterberg, "What Teachers Should Know About the
Bootstrap", The American Statistician 69(4), 2015). The interval knows the noise within the two
runs, and nothing of what differed between them all along: see `differences`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from rtsdb.bench.model import ENGINE, PIPELINE, Report, Setup, Side
from rtsdb.bench.tables import Table

RESAMPLES = 1000

FEWEST_ROUNDS = 4
"""Fewer, of either report, tell nothing: of three and three, all of one lie above all of the other
in 2 of the 20 orders that chance can bring."""

T_975 = (3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""97.5 % quantiles of Student's t with 3, 4, ... 9 degrees of freedom; the last serves for more."""

PASSING = {"date", "load_average", "temperature_c", "command"}
"""Facts of a report that are never the same twice."""

LISTS = {"engine", "precision", "stages", "size", "tile"}
"""Arguments that setups come from, and that therefore are compared setup by setup."""

Samples = NDArray[np.float64]


@dataclass(frozen=True)
class Ratio:
    """new / old. interval: where it lies with 95 % confidence; None where that cannot be told."""

    value: float
    interval: tuple[float, float] | None

    def words(self, more: str, less: str) -> str:
        """What it says; a verdict only where the interval excludes 1.

        >>> Ratio(1.06, (1.041, 1.09)).words("faster", "slower")
        'faster by 4 to 9 %'
        >>> Ratio(0.96, (0.951, 0.978)).words("faster", "slower")
        'slower by 2.2 to 4.9 %'
        >>> Ratio(1.01, (0.97, 1.04)).words("faster", "slower")
        'no difference seen (0.97 to 1.04)'
        >>> Ratio(1.5, None).words("faster", "slower")
        'cannot tell: too few rounds'
        """
        if self.interval is None:
            return "cannot tell: too few rounds"
        low, high = self.interval
        if low <= 1 <= high:
            return f"no difference seen ({low:.2f} to {high:.2f})"
        least, most = sorted((100 * abs(low - 1), 100 * abs(high - 1)))
        digits = 0 if most - least >= 3 else 1
        return f"{more if low > 1 else less} by {least:.{digits}f} to {most:.{digits}f} %"


@dataclass(frozen=True)
class Change:
    """What became of one side of a setup: its rate, and its median latency."""

    setup: Setup
    side: str
    fps: Ratio
    p50: Ratio


def compare(old: Report, new: Report) -> list[Change]:
    """The ratios of every setup and side that both reports measured, in the order of `new`."""
    rng = np.random.default_rng(0)
    before = {row.setup: row for row in old.rows}
    return [
        _change(row.setup, side, was, now, rng)
        for row in new.rows
        if row.setup in before
        for side in (ENGINE, PIPELINE)
        if (was := getattr(before[row.setup], side)) and (now := getattr(row, side))
    ]


def change_table(changes: Sequence[Change]) -> Table:
    """Changes for people: ratios new / old, and in words what they say."""
    rows = [
        [
            str(change.setup),
            change.side,
            f"{change.fps.value:.3f}, {change.fps.words('faster', 'slower')}",
            f"{change.p50.value:.3f}, {change.p50.words('longer', 'shorter')}",
        ]
        for change in changes
    ]
    return Table(
        "new / old, and the range of the ratio with 95 % confidence",
        ("setup", "side", "fps", "median latency"),
        rows,
        names=4,
        note="ranges from rounds and frames drawn anew: what was different all through one of the "
        "two runs is not in them, and one range in 20 is wrong by chance",
    )


def not_compared(old: Report, new: Report) -> list[str]:
    """Setups that `compare` leaves out, a line each with the reason."""
    before, after = ({row.setup: row for row in report.rows} for report in (old, new))
    lines = {}
    for rows, when in ((before, "before"), (after, "now")):
        for setup in before | after:
            if setup not in rows:
                lines[setup] = f"{setup}: not asked for {when}"
            elif rows[setup].error is not None:
                lines[setup] = f"{setup}: not measured {when}: {rows[setup].error}"
    return list(lines.values())


def differences(old: Report, new: Report) -> list[str]:
    """What differs besides speed, a line each: machine, versions, arguments, what ran.

    >>> old, new = ({"cpu": "A", "versions": {"numpy": n}} for n in ("2.3", "2.4"))
    >>> differences(Report(old, {}, ()), Report(new, {}, ()))
    ['versions numpy: 2.3, now 2.4']
    """
    shared = {row.setup for row in old.rows} & {row.setup for row in new.rows}
    was, now = _facts(old, shared), _facts(new, shared)
    return [
        f"{name}: {was.get(name, 'not told')}, now {now.get(name, 'not told')}"
        for name in was | now
        if was.get(name) != now.get(name)
    ]


def _facts(report: Report, setups: Set[Setup]) -> dict[str, object]:
    """What speed may depend on, by name."""
    found = _flatten({**report.machine, **report.arguments, **report.method})
    for row in report.rows:
        if row.setup in setups and row.error is None:
            found[str(row.setup)] = f"{row.engine_kind} {row.precision} on {row.device}, {row.plan}"
    return {name: value for name, value in found.items() if name not in PASSING | LISTS}


def _flatten(facts: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Entries of entries too, under the names of both; lists for tuples, as JSON gives them."""
    flat: dict[str, object] = {}
    for key, value in facts.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key} ")
        else:
            flat[prefix + key] = list(value) if isinstance(value, tuple) else value
    return flat


def _change(setup: Setup, side: str, was: Side, now: Side, rng: np.random.Generator) -> Change:
    return Change(
        setup,
        side,
        fps=Ratio(now.fps / was.fps, _interval(_draw_fps, was, now, rng)),
        p50=Ratio(now.latency.p50 / was.latency.p50, _interval(_draw_p50, was, now, rng)),
    )


def _interval(
    draw: Callable[[Side, np.random.Generator], Samples],
    was: Side,
    now: Side,
    rng: np.random.Generator,
) -> tuple[float, float] | None:
    """Of the ratio of what `draw` draws from each side; None where there are too few rounds."""
    rounds = min(len(was.rounds), len(now.rounds))
    if rounds < FEWEST_ROUNDS:
        return None
    quantile = T_975[min(rounds - FEWEST_ROUNDS, len(T_975) - 1)]
    tail = NormalDist().cdf(-quantile * math.sqrt(rounds / (rounds - 1)))
    low, high = np.quantile(draw(now, rng) / draw(was, rng), (tail, 1 - tail))
    return float(low), float(high)


def _draw_fps(side: Side, rng: np.random.Generator) -> Samples:
    """Rates that the side might as well have had."""
    rates = [turn.fps for turn in side.rounds]
    drawn: Samples = np.median(rng.choice(rates, (RESAMPLES, len(rates))), axis=1)
    return drawn


def _draw_p50(side: Side, rng: np.random.Generator) -> Samples:
    """Median latencies that the side might as well have had."""
    rounds = [np.array(turn.frames_ms) for turn in side.rounds]
    drawn = np.empty(RESAMPLES)
    for index, numbers in enumerate(rng.integers(len(rounds), size=(RESAMPLES, len(rounds)))):
        parts = [rounds[n][rng.integers(rounds[n].size, size=rounds[n].size)] for n in numbers]
        frames = np.concatenate(parts)
        middle = (frames.size - 1) // 2  # where `rtsdb.bench.distribution` has p50
        drawn[index] = np.partition(frames, middle)[middle]
    return drawn
