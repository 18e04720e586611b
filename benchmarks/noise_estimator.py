"""Blind noise estimates against the noise that was added, and what an estimate costs.

    python benchmarks/noise_estimator.py --root ../shared/data/camvid --split val

Adds 8-bit white Gaussian noise of known level to every frame of a split, estimates it frame by
frame, prints the table and writes results/noise_estimator.json and .md beside this file.
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
from rtsdb.data.degradations import add_awgn_8bit
from rtsdb.machine import cpu_name
from rtsdb.noise import estimate_awgn

SIGMAS = (0, 1, 2, 5, 10, 15, 20, 25, 30, 40, 50, 60)
SIZES = ((480, 360), (2048, 1024))
RESULTS = Path(__file__).parent / "results"
HEADINGS = ("added sigma", "mean", "p5", "p95", "min", "max", "within 15 % or 2 levels")


def accuracy(frames: list[NDArray[np.uint8]], sigma: int) -> dict[str, float]:
    """Estimates of one added level over all frames: their spread and the share near enough."""
    estimates = np.array(
        [
            estimate_awgn(add_awgn_8bit(frame, sigma, np.random.default_rng(i))).sigma_at(0)
            for i, frame in enumerate(frames)
        ]
    )
    near = np.abs(estimates - sigma) <= max(2.0, 0.15 * sigma)
    return {
        "sigma": sigma,
        "mean": float(estimates.mean()),
        "p5": float(np.percentile(estimates, 5)),
        "p95": float(np.percentile(estimates, 95)),
        "min": float(estimates.min()),
        "max": float(estimates.max()),
        "share_near": float(near.mean()),
    }


def milliseconds(frame: NDArray[np.uint8], width: int, height: int) -> float:
    """Median processor time of 30 estimates of a frame at one size, after 3 to warm up.

    Processor time, because it holds on a machine that other work shares.
    """
    resized = np.asarray(cv2.resize(frame, (width, height)), np.uint8)
    noisy = add_awgn_8bit(resized, 25, np.random.default_rng(0))
    times = []
    for _ in range(33):
        start = time.process_time()
        estimate_awgn(noisy)
        times.append(time.process_time() - start)
    return 1000 * statistics.median(times[3:])


def cells(row: dict[str, float]) -> list[str]:
    """One row of the table as text."""
    spread = [f"{row[key]:.2f}" for key in ("mean", "p5", "p95", "min", "max")]
    return [f"{row['sigma']:.0f}", *spread, f"{100 * row['share_near']:.1f} %"]


def markdown(report: dict[str, Any]) -> str:
    """The report as a Markdown page."""
    lines = [
        "# Blind noise estimate",
        "",
        f"`{report['command']}`, {report['date']}, {report['machine']}.",
        "",
        f"{report['frames']} frames of CamVid {report['split']}, 8-bit white Gaussian noise, one "
        "estimate per frame, in grey levels. At 0 the estimate is the frames' own noise.",
        "",
        "| " + " | ".join(HEADINGS) + " |",
        "|" + "---|" * len(HEADINGS),
        *("| " + " | ".join(cells(row)) + " |" for row in report["accuracy"]),
        "",
        "| frame size | median processor time per frame, ms |",
        "|---|---|",
        *(f"| {size} | {ms:.1f} |" for size, ms in report["ms_per_frame"].items()),
        "",
    ]
    return "\n".join(lines)


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
        "accuracy": [accuracy(frames, sigma) for sigma in SIGMAS],
        "ms_per_frame": {f"{w}x{h}": milliseconds(frames[0], w, h) for w, h in SIZES},
    }

    table = Table(*HEADINGS, title=f"Noise estimates, {len(frames)} frames of {args.split}")
    for row in report["accuracy"]:
        table.add_row(*cells(row))
    console = Console()
    console.print(table)
    for size, ms in report["ms_per_frame"].items():
        console.print(f"{size}: {ms:.1f} ms of processor time per frame on {report['machine']}")

    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "noise_estimator.json").write_text(json.dumps(report, indent=2) + "\n")
    (RESULTS / "noise_estimator.md").write_text(markdown(report))


if __name__ == "__main__":
    main()
