"""The mean of several runs' weights, which often does better than any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from rtsdb.classes import CLASS_SETS
from rtsdb.errors import UsageError
from rtsdb.models.checkpoint import learnt, load_weights
from rtsdb.models.metadata import Metadata, join_data
from rtsdb.models.sdb import SDBNet
from rtsdb.training.start import from_weights, take_segmenters


def average_weights(
    paths: Sequence[Path], segmenters: Path | None = None
) -> tuple[SDBNet, Metadata]:
    """The net whose weights are the mean of those in the files, and what it says about itself.

    It has as many blocks as all of them have. A file that is named twice counts twice.
    segmenters: weights file that they are taken from instead, as they are. This is a model soup
    (Wortsman et al., ICML 2022): it takes runs that share a start, such as a run and the weights
    that it began with. Raises UsageError for files that cannot be loaded or are not of one network.
    """
    loaded = [load_weights(path) for path in paths]
    said = [metadata for _, metadata in loaded]
    for path, theirs in zip(paths, said, strict=True):
        if (theirs.preset, theirs.classes) != (said[0].preset, said[0].classes):
            raise UsageError(
                f"{path}: is {theirs.preset} for {theirs.classes}, {paths[0]} is {said[0].preset} "
                f"for {said[0].classes}; only weights of the same network can be averaged"
            )
    stages = min(net.stages for net, _ in loaded)
    net, *others = [net.grow(stages) for net, _ in loaded]
    states = [learnt(one) for one in (net, *others)]
    mean = {name: torch.stack([state[name] for state in states]).mean(0) for name in states[0]}
    net.load_state_dict(mean, strict=False)
    if segmenters is not None:
        classes = CLASS_SETS[said[0].classes]
        other, metadata = from_weights(segmenters, said[0].preset, classes, stages)
        take_segmenters(net, other)
        said.append(metadata)
    steps = max(metadata.steps for metadata in said)
    data = join_data(*(metadata.data for metadata in said))
    return net.eval(), replace(said[0], stages=stages, data=data, steps=steps, metrics={})
