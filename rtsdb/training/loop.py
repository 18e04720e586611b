"""The training loop: phase after phase, resumable to the last digit."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from rtsdb.classes import ClassSet
from rtsdb.data.scenes import Scene
from rtsdb.errors import RtsdbError, UsageError
from rtsdb.models.checkpoint import save_weights
from rtsdb.models.metadata import Metadata, join_data
from rtsdb.models.presets import RtConfig, preset
from rtsdb.models.sdb import SDBNet
from rtsdb.training.augment import WEIGHED_SCENES, Batch, class_weights, draw_batch
from rtsdb.training.muon import Muon
from rtsdb.training.objective import (
    Objective,
    joint_objective,
    last_part_objective,
    taught_objective,
)
from rtsdb.training.phases import IMAGENET, Parts, Phase, Rule
from rtsdb.training.pretrained import (
    Teacher,
    encoder_parameters,
    first_segmenter,
    load_lite0,
    start_encoder,
)
from rtsdb.training.start import from_weights, take_segmenters
from rtsdb.training.state import Ema, load_state, save_state, uninterrupted
from rtsdb.training.windows import STRIDE, Window

WEIGHTS, STATE, LOG = "weights.safetensors", "state.pt", "log.jsonl"

_NOT_COMPARED = ("phases", "checkpoint_minutes", "bf16")
"""Settings that a resumed run need not be asked for: it has its own."""


def phase_weights(phase: Phase) -> str:
    """File name of the weights as they were after a phase, where a run has several."""
    return f"weights-{phase.name}.safetensors"


@dataclass(frozen=True)
class TrainConfig:
    """What to train.

    phases: what learns when; a net never loses blocks from one to the next. start: weights file
    to begin from (its blocks are grown or cut to those of the first phase), "imagenet" for a
    pretrained encoder, or None. segmenters: weights file that they are taken from instead. bf16:
    autocast.
    checkpoint_minutes: how often the run's folder is brought up to date.
    """

    phases: tuple[Phase, ...] = (Phase(),)
    preset: str = "rt"
    seed: int = 0
    start: str | None = None
    segmenters: str | None = None
    bf16: bool = False
    checkpoint_minutes: float = 3.0


@dataclass(frozen=True)
class Progress:
    """One step's figures: its number (from 1), phase, learning rate and loss; CE, PSNR in dB.

    The last two are per block in joint training; a part that learns alone has one of them, one that
    is taught has none.
    """

    step: int
    phase: str
    lr: float
    loss: float
    cross_entropy: tuple[float, ...]
    psnr: tuple[float, ...]


class Trainer:
    """A run in a folder: weights (averaged), checkpoint and log are kept there.

    with Trainer(config, scenes, CAMVID, Path("runs/a")) as run:
        for progress in run:
            print(progress)
    """

    def __init__(
        self,
        config: TrainConfig,
        scenes: Sequence[Scene],
        classes: ClassSet,
        folder: Path,
        *,
        data: str = "",
        device: torch.device | None = None,
        resume: bool = False,
        announce: Callable[[str], None] = print,
    ) -> None:
        self.config, self.scenes, self.classes = config, scenes, classes
        self.folder, self.data, self.announce = folder, data, announce
        self.device = device or torch.device("cpu")
        self.step, self.steps_before = 0, 0
        self.data_before: tuple[str, ...] = ()
        self._phase = 0
        self._ends = list(accumulate(phase.steps for phase in config.phases))
        torch.manual_seed(config.seed)
        if not resume:
            _make_folder(folder)
        net = self._initial_net(fresh=not resume)
        self.weights = self._class_weights().to(self.device)
        self._enter(0, net)
        if resume:
            self._restore()

    @property
    def phase(self) -> Phase:
        """What is going on."""
        return self.config.phases[self._phase]

    def _initial_net(self, *, fresh: bool) -> SDBNet:
        config, stages = self.config, self.phase.stages
        net = SDBNet(preset(config.preset), classes=len(self.classes), stages=stages)
        if not fresh:
            return net
        if config.start == IMAGENET:
            assert isinstance(net.config, RtConfig)
            start_encoder(first_segmenter(net), net.config, load_lite0())
        elif config.start is not None:
            net, metadata = self._from_weights(config.start)
            self.steps_before = metadata.steps
            self.data_before += (metadata.data,)
        if config.segmenters is not None:
            other, metadata = self._from_weights(config.segmenters)
            take_segmenters(net, other)
            self.data_before += (metadata.data,)
        return net

    def _class_weights(self) -> Tensor:
        """Weights of the classes in the joint loss; parts that learn alone have no use for them."""
        if all(phase.alone for phase in self.config.phases):
            return torch.ones(len(self.classes))
        if len(self.scenes) > WEIGHED_SCENES:
            self.announce(f"counting the classes of {WEIGHED_SCENES} of {len(self.scenes)} frames")
        return class_weights(self.scenes, len(self.classes))

    def _from_weights(self, path: str) -> tuple[SDBNet, Metadata]:
        return from_weights(Path(path), self.config.preset, self.classes, self.phase.stages)

    def _enter(self, index: int, net: SDBNet) -> None:
        """Go on from `net` with a phase: grown to its blocks, learning in its parts only.

        Parts that rest are in evaluation mode, so that their batch normalisation rests too.
        """
        self._phase = index
        if net.stages != self.phase.stages:
            torch.manual_seed(self.config.seed)  # the same in a resumed run
            net = net.grow(self.phase.stages)
        net = net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.net = net.eval().requires_grad_(False)
        for part in self._learning():
            part.train().requires_grad_(True)
        self._teacher = self._find_teacher()
        self.optimizer = _optimizer(self.phase, self._groups())
        self.ema = Ema(self.net, self.phase.ema)

    def _find_teacher(self) -> Teacher | None:
        """ImageNet's encoder, in a phase that is taught by it."""
        if not self.phase.taught:
            return None
        assert isinstance(self.net.config, RtConfig)
        return Teacher(self.net.config, load_lite0()).to(self.device)

    def _learning(self) -> list[nn.Module]:
        """The parts that learn in this phase."""
        parts, blocks = self.phase.parts, self.net.sdbs()
        blocks = blocks[-1:] if self.phase.alone else blocks[self.phase.first - 1 :]
        learning: list[nn.Module] = []
        if parts is not Parts.DENOISERS:
            learning += [block.segmenter for block in blocks if block.segmenter is not None]
        if parts is not Parts.SEGMENTERS:
            learning += [block.denoiser for block in blocks]
        return learning

    def _groups(self) -> list[dict[str, object]]:
        pretrained = [p for p in encoder_parameters(self.net) if p.requires_grad]
        known = {id(parameter) for parameter in pretrained}
        fresh = [p for p in self.net.parameters() if p.requires_grad and id(p) not in known]
        return [
            {"params": fresh, "factor": 1.0},
            {"params": pretrained, "factor": self.phase.encoder_lr},
        ]

    def _batch(self, step: int) -> Batch:
        phase = self.phase
        return draw_batch(
            self.scenes, phase.augment, size=phase.batch, seed=self.config.seed, step=step
        )

    def _window(self, step: int) -> Window:
        """Where this step's denoisers learn."""
        crop = self.phase.augment.width
        side = min(self.phase.window, crop)
        rng = np.random.default_rng((self.config.seed, step, 1))
        top, left = STRIDE * rng.integers((crop - side) // STRIDE + 1, size=2)
        return Window(crop, int(top), int(left), side)

    def train_step(self) -> Progress:
        """Draw one batch and take one optimiser step.

        Raises RtsdbError, with the weights as they were, when its gradient is not finite.
        """
        phase = self.phase
        step = self.step - (self._ends[self._phase] - phase.steps)
        lr = phase.learning_rate(step)
        for group in self.optimizer.param_groups:
            group["lr"] = lr * group["factor"]
        batch = Batch(*(tensor.to(self.device) for tensor in self._batch(self.step)))
        objective = self._objective(batch)
        self.optimizer.zero_grad()
        objective.loss.backward()
        parameters, largest = self.net.parameters(), phase.clip or math.inf
        if not torch.nn.utils.clip_grad_norm_(parameters, largest).isfinite():
            raise RtsdbError(
                f"step {self.step + 1}: the gradient is not finite; go on from "
                f"{self.folder / WEIGHTS} with a lower --lr than {phase.lr:g}, in another --output"
            )
        self.optimizer.step()
        self.ema.update(self.net, step)
        self.step += 1
        loss = objective.loss.item()
        return Progress(self.step, phase.name, lr, loss, objective.cross_entropy, objective.psnr)

    def _objective(self, batch: Batch) -> Objective:
        phase, bf16 = self.phase, self.config.bf16
        if self._teacher is not None:
            return taught_objective(self.net, self._teacher, batch, bf16=bf16)
        if phase.alone:
            return last_part_objective(self.net, phase.parts, batch, bf16=bf16)
        return joint_objective(self.net, batch, self._window(self.step), self.weights, bf16=bf16)

    def __iter__(self) -> Iterator[Progress]:
        """Steps until the last, with a log line each and a checkpoint every few minutes."""
        saved = time.monotonic()
        self._trim_log()
        with (self.folder / LOG).open("a", buffering=1) as log:
            while True:
                while self.step < self._ends[self._phase]:
                    with uninterrupted():
                        progress = self.train_step()
                        log.write(json.dumps(asdict(progress)) + "\n")
                    if time.monotonic() - saved > 60 * self.config.checkpoint_minutes:
                        self.save()
                        saved = time.monotonic()
                    yield progress
                if len(self.config.phases) > 1:
                    path = self.folder / phase_weights(self.phase)
                    save_weights(self.averaged(), path, self.metadata())
                if self.step == self._ends[-1]:
                    return
                with uninterrupted():
                    self._enter(self._phase + 1, self.averaged())

    def _trim_log(self) -> None:
        """Drop the log's lines beyond the checkpoint: of steps that will be taken again."""
        path = self.folder / LOG
        if path.exists():
            lines = path.read_bytes().splitlines(keepends=True)
            os.truncate(path, sum(map(len, lines[: self.step])))

    def save(self) -> None:
        """Bring the folder's weights and checkpoint up to date."""
        save_state(
            self.folder / STATE,
            {
                "config": self._settings(),
                "bf16": self.config.bf16,
                "phase": self._phase,
                "step": self.step,
                "steps_before": self.steps_before,
                "data_before": self.data_before,
                "net": self.net.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "ema": self.ema.weights,
            },
        )
        save_weights(self.averaged(), self.folder / WEIGHTS, self.metadata())

    def _settings(self) -> dict[str, object]:
        """All that decides how the run goes, by name, for comparing on resumption."""
        phases = self.config.phases
        settings: dict[str, object] = asdict(self.config) | {"data": self.data}
        for phase in phases:
            values = asdict(phase) | asdict(phase.augment)
            values |= {"parts": phase.parts.value, "rule": phase.rule.value}
            values |= {"decay": repr(phase.decay)}
            prefix = f"{phase.name} " if len(phases) > 1 else ""
            settings |= {prefix + k: v for k, v in values.items() if k != "augment"}
        return {k: v for k, v in settings.items() if k not in _NOT_COMPARED}

    def metadata(self, metrics: dict[str, float] | None = None) -> Metadata:
        """What the weights of this run say about themselves."""
        return Metadata(
            preset=self.config.preset,
            stages=self.net.stages,
            classes=self.classes.name,
            data=join_data(*self.data_before, self.data),
            steps=self.steps_before + self.step,
            metrics=metrics or {},
        )

    def averaged(self) -> SDBNet:
        """A net with the averaged weights, ready to run."""
        net = SDBNet(self.net.config, classes=self.net.classes, stages=self.net.stages)
        net.load_state_dict(self.ema.weights)
        return net.eval()

    def _restore(self) -> None:
        state = load_state(self.folder / STATE)
        theirs, ours = state["config"], self._settings()
        for name, value in ours.items():
            if name in theirs and theirs[name] != value:
                raise UsageError(
                    f"--resume: the run in {self.folder} has {name} {theirs[name]}, "
                    f"this command asks for {value}"
                )
        phase = state.get("phase", 0)
        if phase >= len(self.config.phases):
            raise UsageError(
                f"--resume: the run in {self.folder} has more parts than this command asks for; "
                "give its --stages"
            )
        self.config = replace(self.config, bf16=state.get("bf16", self.config.bf16))
        self._enter(phase, self.net)
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.ema.weights = {name: value.to(self.device) for name, value in state["ema"].items()}
        self.step, self.steps_before = state["step"], state["steps_before"]
        self.data_before = tuple(state.get("data_before", ()))

    def __enter__(self) -> Trainer:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Keep what was learnt, also after Ctrl-C; a run that failed at once leaves nothing."""
        if self.step or kind in (None, KeyboardInterrupt):
            self.save()


def _make_folder(folder: Path) -> None:
    """Make a run's folder; raises UsageError where one cannot be, or is a run's already."""
    for name, way in ((STATE, "add --resume, or choose another"), (WEIGHTS, "choose another")):
        if (folder / name).exists():
            raise UsageError(f"--output {folder}: holds a run's {name} already; {way}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--output {folder}: cannot be made: {error.strerror}") from error


def _optimizer(phase: Phase, groups: list[dict[str, object]]) -> torch.optim.Optimizer:
    if phase.rule is Rule.SGD:
        return torch.optim.SGD(groups, momentum=0.9, weight_decay=phase.weight_decay)
    if phase.rule is Rule.ADAM:
        return torch.optim.Adam(groups, weight_decay=phase.weight_decay)
    return Muon(groups, weight_decay=phase.weight_decay)
