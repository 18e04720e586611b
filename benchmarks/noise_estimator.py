"""Blind noise estimates against the noise that was put on, and what an estimate costs.

    python benchmarks/noise_estimator.py --root ../shared/data/camvid --split val

Puts noise of many kinds on every frame of a split, estimates it frame by frame without the clean
frame, and compares the estimated standard deviation at several grey levels with that of what was
really added. Prints the tables and writes results/noise_estimator.json and .md beside this file.
"""

from __future__ import annotations

import argparse
import datetime
import json
import statistics
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from rtsdb.data.camvid import load_camvid
from rtsdb.data.noise_models import GaussianNoise, NoiseModel, parse_noise_model
from rtsdb.machine import cpu_name
from rtsdb.noise import NoiseLevel, estimate_noise

WHITE_NOISE = [f"awgn:{sigma}" for sigma in (0, 1, 2, 5, 10, 15, 20, 25, 30, 40, 50, 60)]
OTHER_NOISE = [
    "shot:0.5:1",
    "shot:1:9",
    "shot:2:25",
    "shot:5:25",
    "shot:8:4",
    "camera:canon-eos5d4:iso3200",
    "camera:canon-eos70d:iso3200",
    "camera:canon-eos700d:iso3200",
    "camera:nikon-d850:iso3200",
    "camera:sony-a7s2:iso3200",
    "camera:canon-eos5d4:iso6400:8x",
    "camera:canon-eos700d:iso3200:8x",
    "camera:sony-a7s2:iso6400:8x",
    "lowlight:2x",
    "lowlight:4x",
    "lowlight:8x",
    "lowlight:16x",
    "lowlight:30x",
    "awgn:25+jpeg:90",
    "lowlight:8x+h264:18",
]
GREYS = (32, 64, 96, 128, 160, 192, 224)
BAND = 8
"""Clean values this close to a grey level are its pixels."""

CLIPPED = 0.05
"""A grey level with a larger share of clipped values has lost its noise's shape: left out."""

SIZES = ((480, 360), (2048, 1024))
RESULTS = Path(__file__).parent / "results"
WHITE_HEADINGS = ("added", "mean", "p5", "p95", "min", "max", "a = 0", "within 15 % or 2 levels")
OTHER_HEADINGS = ("noise", *(f"y = {y}" for y in GREYS), "mean error", "of (a, b) known")


def added_sigma(clean: NDArray[np.uint8], noisy: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Standard deviation of the noise at each of `GREYS`, mean square over the channels.

    nan where a channel has fewer than 300 pixels, or where too many values are clipped.
    """
    found = np.full(len(GREYS), np.nan)
    difference = noisy.astype(np.float32) - clean
    for index, grey in enumerate(GREYS):
        near = np.abs(clean.astype(np.int16) - grey) <= BAND
        if near.sum(axis=(0, 1)).min() < 300:
            continue
        if np.isin(noisy[near], (0, 255)).mean() <= CLIPPED:
            variances = [difference[..., c][near[..., c]].var() for c in range(3)]
            found[index] = np.sqrt(np.mean(variances))
    return found


def sigmas(level: NoiseLevel) -> NDArray[np.float64]:
    """Standard deviation of a level at each of `GREYS`."""
    return np.array([level.sigma_at(grey) for grey in GREYS])


def white(frames: list[NDArray[np.uint8]], spec: str) -> dict[str, Any]:
    """Estimates of one added level, over all frames and grey levels, and how many are near."""
    model = parse_noise_model(spec)
    levels = [
        estimate_noise(model.apply_8bit(frame, np.random.default_rng(i)))
        for i, frame in enumerate(frames)
    ]
    estimates, sigma = np.array([sigmas(level) for level in levels]), model.level.sigma_at(0)
    near = np.abs(estimates - sigma) <= max(2.0, 0.15 * sigma)
    return {
        "noise": spec,
        "sigma": sigma,
        "mean": float(estimates.mean()),
        "p5": float(np.percentile(estimates, 5)),
        "p95": float(np.percentile(estimates, 95)),
        "min": float(estimates.min()),
        "max": float(estimates.max()),
        "share_without_slope": float(np.mean([level.a == 0 for level in levels])),
        "share_near": float(near.mean()),
    }


def other(frames: list[NDArray[np.uint8]], spec: str) -> dict[str, Any]:
    """At each grey level the added and the estimated deviation, and the mean relative error.

    Deviations are means over the frames, errors means of the frames' absolute ones. level_error
    is what the model's own (a, b) would give: what is lost to the form a*y + b.
    """
    model = parse_noise_model(spec)
    added, estimated = [], []
    for i, frame in enumerate(frames):
        noisy = model.apply_8bit(frame, np.random.default_rng(i))
        added.append(added_sigma(frame, noisy))
        estimated.append(np.where(np.isnan(added[-1]), np.nan, sigmas(estimate_noise(noisy))))
    truth, found = np.array(added), np.array(estimated)
    return {
        "noise": spec,
        "added": _means(truth),
        "estimated": _means(found),
        "error": float(np.nanmean(np.abs(found / truth - 1))),
        "level_error": float(np.nanmean(np.abs(sigmas(model.level) / truth - 1))),
    }


def _means(rows: NDArray[np.float64]) -> list[float | None]:
    """Means of the columns; None for a column of nothing but nan."""
    kept = [column[~np.isnan(column)] for column in rows.T]
    return [float(column.mean()) if column.size else None for column in kept]


def milliseconds(frame: NDArray[np.uint8], width: int, height: int) -> float:
    """Median processor time of 30 estimates of a frame at one size, after 3 to warm up.

    Processor time, because it holds on a machine that other work shares.
    """
    resized = np.asarray(cv2.resize(frame, (width, height)), np.uint8)
    model: NoiseModel = GaussianNoise.awgn(25)
    noisy = model.apply_8bit(resized, np.random.default_rng(0))
    times = []
    for _ in range(33):
        start = time.process_time()
        estimate_noise(noisy)
        times.append(time.process_time() - start)
    return 1000 * statistics.median(times[3:])


def white_cells(row: dict[str, Any]) -> list[str]:
    """One row of the first table as text."""
    spread = [f"{row[key]:.2f}" for key in ("mean", "p5", "p95", "min", "max")]
    shares = [f"{100 * row[key]:.1f} %" for key in ("share_without_slope", "share_near")]
    return [f"{row['sigma']:.0f}", *spread, *shares]


def other_cells(row: dict[str, Any]) -> list[str]:
    """One row of the second table as text: added -> estimated."""
    pairs = [
        "" if true is None else f"{true:.1f} → {found:.1f}"
        for true, found in zip(row["added"], row["estimated"], strict=True)
    ]
    return [row["noise"], *pairs, *(f"{100 * row[k]:.0f} %" for k in ("error", "level_error"))]


def markdown(report: dict[str, Any]) -> str:
    """The report as a Markdown page."""

    def table(headings: tuple[str, ...], rows: list[list[str]]) -> list[str]:
        lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
        return [*lines, *("| " + " | ".join(cells) + " |" for cells in rows), ""]

    return "\n".join(
        [
            "# Blind noise estimate",
            "",
            f"`{report['command']}`, {report['date']}, {report['machine']}.",
            "",
            f"{report['frames']} frames of CamVid {report['split']}, 8 bits, one estimate of "
            "(a, b), sigma(y) = sqrt(a*y + b), per frame, without the clean frame.",
            "",
            "White Gaussian noise: the estimated sigma over all frames and the grey levels of "
            "the second table. At 0 the estimate is the frames' own noise.",
            "",
            *table(WHITE_HEADINGS, [white_cells(row) for row in report["white"]]),
            "Other noise: the standard deviation at grey level y, as it was added (measured "
            "against the clean frame) → as it was estimated, means over the frames. The first "
            "error is the mean of the frames' relative errors, either sign; the last column is "
            "the same for the (a, b) of the model itself, that is, what the form a*y + b costs. "
            f"Grey levels with more than {100 * CLIPPED:.0f} % of clipped values are left out.",
            "",
            *table(OTHER_HEADINGS, [other_cells(row) for row in report["other"]]),
            *table(
                ("frame size", "median processor time per estimate, ms"),
                [[size, f"{ms:.1f}"] for size, ms in report["ms_per_frame"].items()],
            ),
        ]
    )


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="CamVid folder")
    parser.add_argument("--split", default="val", help="folder of frames in it")
    args = parser.parse_args()

    cv2.setNumThreads(1)
    frames = [scene.image for scene in load_camvid(args.root, args.split)]
    report: dict[str, Any] = {
        "command": f"python benchmarks/noise_estimator.py --root {args.root} --split {args.split}",
        "date": datetime.date.today().isoformat(),
        "machine": cpu_name(),
        "split": args.split,
        "frames": len(frames),
        "grey_levels": GREYS,
        "white": [white(frames, spec) for spec in WHITE_NOISE],
        "other": [other(frames, spec) for spec in OTHER_NOISE],
        "ms_per_frame": {f"{w}x{h}": milliseconds(frames[0], w, h) for w, h in SIZES},
    }

    console = Console()
    for headings, rows in (
        (WHITE_HEADINGS, [white_cells(row) for row in report["white"]]),
        (OTHER_HEADINGS, [other_cells(row) for row in report["other"]]),
    ):
        table = Table(*headings, title=f"Noise estimates, {len(frames)} frames of {args.split}")
        for row in rows:
            table.add_row(*row)
        console.print(table)
    for size, ms in report["ms_per_frame"].items():
        console.print(f"{size}: {ms:.1f} ms of processor time per estimate on {report['machine']}")

    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "noise_estimator.json").write_text(json.dumps(report, indent=2) + "\n")
    (RESULTS / "noise_estimator.md").write_text(markdown(report))


if __name__ == "__main__":
    main()
