"""What is done to the frames of a run, wherever they come from and go to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

from rtsdb.classes import ClassSet
from rtsdb.data.noise_models import NoiseModel, NoiseSimulator, parse_noise_model
from rtsdb.engine import load_engine
from rtsdb.engine.base import Engine
from rtsdb.errors import UsageError
from rtsdb.noise import parse_sigma
from rtsdb.pipeline.engine_switch import EngineSwitch
from rtsdb.pipeline.run import ENGINE_SLOTS, MAX_AGE, Pipeline
from rtsdb.tiling import parse_tile
from rtsdb.video.sinks.base import Sink
from rtsdb.video.sources.base import Source
from rtsdb.video.views import ViewComposer, check_view
from rtsdb.weights import find_model


@dataclass(frozen=True)
class Processing:
    """The network, the noise level and the view, in the words of `rtsdb run`.

    max_age: seconds, as `Pipeline` takes it. Raises UsageError for values that cannot be read.

    >>> Processing(sigma="loud")
    Traceback (most recent call last):
    rtsdb.errors.UsageError: --sigma loud: give 'auto' or a number of grey levels from 0 to 100, \
such as 25
    """

    model: str = "rt"
    stages: int = 1
    engine: str = "auto"
    precision: str = "auto"
    tile: str = "none"
    sigma: str = "auto"
    simulate_noise: str | None = None
    view: str = "side-by-side"
    max_age: float = MAX_AGE

    def __post_init__(self) -> None:
        parse_sigma(self.sigma)
        parse_tile(self.tile)
        check_view(self.view)
        _ = self.noise

    @cached_property
    def classes(self) -> ClassSet:
        """The classes that the model tells apart; UsageError where there is no such model."""
        return find_model(self.model, self.stages).classes

    @cached_property
    def noise(self) -> NoiseModel | None:
        """The noise that is added first."""
        spec = self.simulate_noise
        return None if spec is None else parse_noise_model(spec, "--simulate-noise")

    @property
    def blocks(self) -> int:
        """K of the network: of an .onnx file, what it holds; else what was asked for."""
        files = find_model(self.model, self.stages)
        return self.stages if files.weights is not None else files.metadata.stages

    def load_with(self, stages: int) -> Engine:
        """An engine of another K, all else as it is; raises UsageError where that is fixed."""
        other = replace(self, stages=stages)
        if other.blocks != stages:
            raise UsageError(f"{self.model}: holds {other.blocks} blocks and cannot have {stages}")
        return other.load_engine()

    def load_engine(self) -> Engine:
        """An engine for a pipeline; raises what `rtsdb.engine.load_engine` does."""
        return load_engine(
            self.model,
            stages=self.stages,
            engine=self.engine,
            precision=self.precision,
            tile=parse_tile(self.tile),
            slots=ENGINE_SLOTS,
        )

    def pipeline(
        self,
        source: Source,
        engine: Engine,
        sink: Sink,
        *,
        max_frames: int | None,
        progress: Callable[[int], None],
        switch: EngineSwitch | None = None,
    ) -> Pipeline:
        """Open `sink` for the frames of `source`, and put the three together, ready to run.

        max_frames, progress, switch: as `Pipeline` takes them. Raises what opening the sink raises.
        """
        info = source.info
        compose = partial(ViewComposer, self.view, classes=self.classes)
        sink.open(info, compose((info.width, info.height)).size)
        return Pipeline(
            source,
            engine,
            sink,
            composer=compose if sink.wants_view else None,
            classes=len(self.classes),
            sigma=parse_sigma(self.sigma),
            simulate=None if self.noise is None else NoiseSimulator(self.noise, seed=0),
            max_frames=max_frames,
            max_age=self.max_age,
            switch=switch,
            progress=progress,
        )
