"""What a benchmark measured, as plain data: the layout of `rtsdb bench --json`.

Durations are in milliseconds, sizes in pixels, memory in MB (10^6 bytes), power in watts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

SCHEMA = 1
"""Version of the layout; a change that breaks a reader raises it."""

ENGINE, PIPELINE = "engine", "pipeline"
"""The two sides that are measured: the bare engine, and the whole way of a frame around it."""


@dataclass(frozen=True)
class Setup:
    """One configuration. tile: (width, height), None for whole frames. precision: as asked."""

    engine: str
    precision: str
    stages: int
    size: tuple[int, int]
    tile: tuple[int, int] | None = None

    def __str__(self) -> str:
        """One line for people.

        >>> print(Setup("auto", "fp32", 1, (1280, 720), (640, 384)))
        auto fp32 K=1 1280x720 in tiles of 640x384
        """
        cut = "" if self.tile is None else " in tiles of {}x{}".format(*self.tile)
        return f"{self.engine} {self.precision} K={self.stages} {self.size[0]}x{self.size[1]}{cut}"


@dataclass(frozen=True)
class Distribution:
    """A duration's distribution in milliseconds; nothing is left out. std: of the population."""

    count: int
    mean: float
    std: float
    min: float
    p50: float
    p90: float
    p95: float
    p99: float
    max: float


@dataclass(frozen=True)
class Load:
    """What the machine spent while one side was measured; None where it does not tell.

    cpu_percent: of this process, 100 is one core busy. other_cpu_percent: of all other processes,
    and what a hypervisor took away. rss_mb: the most memory this process held. swap_mb: moved to
    and from swap, by any process. gpu_percent, gpu_memory_mb, gpu_clock_mhz: means. power_w: mean,
    of what `power_of` names ('cpu package', 'gpu', rails of a Jetson). temperature_c: at start and
    end, of the hottest sensor. throttled: reasons that the platform gave meanwhile.
    """

    cpu_percent: float | None = None
    other_cpu_percent: float | None = None
    rss_mb: float | None = None
    swap_mb: float | None = None
    cpu_clock_mhz: float | None = None
    gpu_percent: float | None = None
    gpu_memory_mb: float | None = None
    gpu_clock_mhz: float | None = None
    power_w: float | None = None
    power_of: str | None = None
    energy_per_frame_j: float | None = None
    temperature_c: tuple[float, float] | None = None
    throttled: tuple[str, ...] = ()


@dataclass(frozen=True)
class Round:
    """One turn of a side, warmed up: frames_ms, the way of every frame in order, and the rate.

    frames_ms: submit to result of the bare engine, with as many frames under way as the pipeline
    has; capture to output of the pipeline. fps: frames finished per second of the turn.
    """

    frames_ms: tuple[float, ...]
    fps: float


@dataclass(frozen=True)
class Side:
    """The bare engine or the whole pipeline, measured in rounds that alternate with the other's.

    stages: by name (`rtsdb.pipeline.latency.STAGES`), in the order of a frame's way; of the engine
    gather, infer and stitch (`rtsdb.engine.base.Timings`).
    latency: of all rounds' frames. fps: median of the rounds. warmup_ms: every frame before the
    record of a round. load: while frames were recorded. dropped: frames by cause. enqueue: of the
    engine, the time that `submit` kept its caller, which overlaps the stages; None for the
    pipeline.
    """

    stages: dict[str, Distribution]
    latency: Distribution
    fps: float
    rounds: tuple[Round, ...]
    warmup_ms: tuple[float, ...]
    load: Load
    dropped: dict[str, int] = field(default_factory=dict)
    enqueue: Distribution | None = None


@dataclass(frozen=True)
class Derived:
    """What follows from a row's figures, the model's cost and this machine's probed peaks.

    macs, bytes_moved: of one frame (`rtsdb.bench.derive`); tflops: achieved by the engine, two
    operations a MAC, over the median of infer. peak_share, copy_share: of the probe's peaks.
    intensity: operations per byte. bound: 'compute' or 'memory', by the roofline.
    """

    macs: float
    bytes_moved: float
    intensity: float
    tflops: float
    peak_share: float | None
    copy_share: float | None
    bound: str | None


@dataclass(frozen=True)
class Quality:
    """What the shipped results say of a network (`rtsdb.bench.quality`), not measured by the bench.

    noise: what was added to the frames, such as 'awgn:25'. psnr: dB. miou: percent.
    """

    noise: str
    psnr: float
    miou: float


@dataclass(frozen=True)
class Row:
    """A configuration and what it did, or why it could not.

    error: the one reason, when nothing was measured. engine_kind (its name, also where 'auto' was
    asked for), precision, model, device, plan: of the engine that ran.
    """

    setup: Setup
    error: str | None = None
    engine_kind: str | None = None
    precision: str | None = None
    model: str | None = None
    device: str | None = None
    plan: str | None = None
    engine: Side | None = None
    pipeline: Side | None = None
    derived: Derived | None = None
    quality: Quality | None = None
    warnings: tuple[str, ...] = ()

    @property
    def ran(self) -> Setup:
        """The setup with the engine and the precision that it came to, where it was opened."""
        engine = self.engine_kind or self.setup.engine
        return replace(self.setup, engine=engine, precision=self.precision or self.setup.precision)

    @property
    def name(self) -> str:
        """What ran, in one line."""
        return str(self.ran)


@dataclass(frozen=True)
class Probe:
    """This machine's peaks, measured in the same run.

    tflops: best rate of convolutions and matrix products by precision; copy_gbs: bytes read and
    written per second by a large copy, in 10^9; both of the processor. gpu_tflops, gpu_copy_gbs:
    likewise of the GPU, empty and None where they were not measured.
    """

    tflops: dict[str, float]
    copy_gbs: float
    gpu_tflops: dict[str, float] = field(default_factory=dict)
    gpu_copy_gbs: float | None = None


@dataclass(frozen=True)
class Report:
    """Everything of one `rtsdb bench`.

    machine: processor, system, versions, git commit, power mode and the like. arguments: as given.
    interrupted: whether rows or rounds are missing because of Ctrl-C. method: how it was measured
    (rounds, warm-up, frames under way, view, encoder).
    """

    machine: dict[str, object]
    arguments: dict[str, object]
    rows: tuple[Row, ...]
    probe: Probe | None = None
    interrupted: bool = False
    schema: int = SCHEMA
    method: dict[str, object] = field(default_factory=dict)
