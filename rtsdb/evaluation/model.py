"""The network to be judged, as the command line names it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from rtsdb.classes import ClassSet
from rtsdb.engine import load_engine
from rtsdb.engine.registry import find_engine
from rtsdb.errors import UsageError
from rtsdb.evaluation.engine_subject import EngineSubject
from rtsdb.evaluation.subject import Subject
from rtsdb.weights import ModelFiles, find_model


def open_with(
    model: str,
    stages: tuple[int, ...],
    *,
    engine: str,
    precision: str,
    preset: str | None,
    eight_bit: bool,
) -> list[Callable[[], Subject]]:
    """What opens a model: once in torch, which gives all blocks, or once per K in an engine.

    preset: for torch, a configuration of the same shapes to run the weights under, such as an
    ablation. eight_bit: whether frames are; engines take no others. Raises UsageError for what
    an engine cannot do, and for weights that do not fit.
    """
    if engine == "torch":
        find_engine(engine).check_precision(precision)
        from rtsdb.evaluation.net_subject import NetSubject
        from rtsdb.models.checkpoint import load_weights

        weights = find_model(model, max(stages)).need_weights(engine)
        net, metadata = load_weights(weights, stages=max(stages), preset=preset)
        name = Path(model).stem if preset is None else metadata.preset
        return [partial(NetSubject, net, name=name, stages=stages, eight_bit=eight_bit)]
    if not eight_bit:
        raise UsageError("--convention float: engines take 8-bit frames; add --engine torch")
    if preset is not None:
        raise UsageError(f"--preset {preset}: engines run networks as they are; add --engine torch")
    return [partial(_open_engine, model, k, engine, precision) for k in stages]


def _open_engine(model: str, stages: int, engine: str, precision: str) -> Subject:
    opened = load_engine(model, stages=stages, engine=engine, precision=precision, slots=1)
    return EngineSubject(opened, name=Path(model).stem, stages=stages)


def find_stages(model: str, wanted: tuple[int, ...] | None) -> tuple[int, ...]:
    """The numbers of blocks K to judge a model with: those wanted, or all that it has.

    Raises UsageError where the model has not all that are wanted.

    >>> find_stages("rt", None), find_stages("rt", (2,))
    ((1, 2, 3), (2,))
    """
    files = find_model(model, 1)
    blocks = files.metadata.stages
    # An ONNX file is one graph; weights begin with those of the shorter networks.
    there = (blocks,) if files.weights is None else tuple(range(1, blocks + 1))
    if wanted is not None and not set(wanted) <= set(there):
        asked, has = (", ".join(map(str, stages)) for stages in (wanted, there))
        raise UsageError(f"--stages {asked}: {model} can be judged with K = {has}")
    return wanted or there


def check_classes(files: ModelFiles, classes: ClassSet) -> None:
    """Raise UsageError, naming both, unless a model tells apart the classes of a data set."""
    own = files.classes
    if own != classes:
        raise UsageError(
            f"{files.label} tells the {len(own)} classes of {own.name} apart, but --dataset "
            f"{classes.name} has {len(classes)}; give a model trained on it"
        )
