"""Time per frame of the shipped network and of the denoisers that people use today, in turns.

    python benchmarks/peers_speed.py

All process the same noisy demo frames, one frame a turn, on the processors this process may use.
Only the network also labels them. What each is and how strongly it is set stands in
`rtsdb/evaluation/peers/`; what it does for the picture is in results/peers.md. Prints, and writes
results/peers_speed.md and .json beside this file.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import cycle
from time import perf_counter

import numpy as np
from bare_engine import NOISE, time_frame
from page import write_page
from turns import in_turns, median_ratio

from rtsdb.bench.frames import draw_frames
from rtsdb.engine import load_engine
from rtsdb.evaluation.peers import PEERS, open_peers
from rtsdb.evaluation.peers.base import Peer
from rtsdb.markdown import markdown_table
from rtsdb.tiling import parse_size
from rtsdb.video.frame import Image

UNUSED = np.empty((0, 0), np.uint8)
"""In place of the true labels, which no peer looks at."""


def time_peer(peer: Peer, next_frame: Callable[[], Image]) -> float:
    """Milliseconds for a frame."""
    frame = next_frame()
    before = perf_counter()
    peer.run(frame, NOISE, UNUSED)
    return 1000 * (perf_counter() - before)


def measure(size: tuple[int, int], peers: list[Peer], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of every turn by subject; one more before was warm-up."""
    frames = draw_frames(*size, count=3)
    turns: dict[str, Callable[[], float]] = {}
    with ExitStack() as stack:
        for stages in (1, 2, 3):
            engine = stack.enter_context(load_engine("rt", stages=stages, slots=1))
            engine.prepare(size[1], size[0])
            turns[f"rt K={stages}"] = partial(time_frame, engine, cycle(frames).__next__)
        for peer in peers:
            turns[peer.name] = partial(time_peer, peer, cycle(frames).__next__)
        in_turns(turns, rounds=1)
        return in_turns(turns, rounds)


def main() -> None:
    """Parse arguments, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1280x720,2048x1024", help="WIDTHxHEIGHT, with commas")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    peers, missing = open_peers(PEERS, eight_bit=True)
    times = {
        text: measure(parse_size(text), peers, arguments.rounds)
        for text in arguments.size.split(",")
    }
    rows = []
    for name in next(iter(times.values())):
        row = [name]
        for by_name in times.values():
            ratio = median_ratio(by_name[name], by_name["rt K=1"])
            row += [f"{statistics.median(by_name[name]):.0f}", f"{ratio:.2f}"]
        rows.append(row)
    headings = ["subject", *(h for text in times for h in (f"ms, {text}", "over rt K=1"))]
    lines = [
        f"Medians of {arguments.rounds} frames, in turns, and of the ratios within each turn.",
        "",
        *markdown_table(headings, rows),
        "",
        *(f"- {peer.name}: {peer.about}" for peer in peers),
        *(f"- {name}: not measured, {why}" for name, why in missing.items()),
    ]
    headline = {
        f"{', '.join(by_name)}: ms per frame, {text}": ", ".join(
            f"{statistics.median(side):.0f}" for side in by_name.values()
        )
        for text, by_name in times.items()
    }
    facts = {"arguments": vars(arguments), "ms": times, "missing": missing}
    write_page("peers_speed", "Peers, time per frame", lines, facts, headline=headline)


if __name__ == "__main__":
    main()
