"""The training loop: joint training of all blocks, resumable to the last digit."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch

from rtsdb.classes import ClassSet
from rtsdb.data.scenes import Scene
from rtsdb.errors import UsageError
from rtsdb.models.checkpoint import Metadata, load_weights, save_weights
from rtsdb.models.presets import preset
from rtsdb.models.sdb import SDBNet
from rtsdb.training.augment import AugmentConfig, Batch, class_weights, draw_batch
from rtsdb.training.losses import block_losses, total_loss
from rtsdb.training.pretrained import (
    StemTeacher,
    encoder_parameters,
    load_lite0,
    start_encoder,
    stem_loss,
)
from rtsdb.training.state import Ema, load_state, save_state, uninterrupted
from rtsdb.training.windows import Window, forward_windowed

PARTS = ("all", "segmenters", "denoisers")
WEIGHTS, STATE, LOG = "weights.safetensors", "state.pt", "log.jsonl"


@dataclass(frozen=True)
class TrainConfig:
    """What to train and for how long.

    parts: 'all' jointly, or only the 'segmenters' or 'denoisers' while the others stay as they
    are. start: weights file to begin from (its blocks are grown or cut to `stages`), "imagenet"
    for a pretrained encoder, or None. segmenters: weights file that they are taken from instead.
    lr falls from its peak to zero on a cosine after `warmup`
    steps; encoder_lr is the factor for parameters that came from ImageNet. bf16: autocast.
    window: side, in pixels, of the part of each crop on which denoisers learn.
    checkpoint_minutes: how often the run's folder is brought up to date.
    """

    preset: str = "rt"
    stages: int = 3
    steps: int = 20_000
    batch: int = 4
    window: int = 128
    seed: int = 0
    lr: float = 1e-3
    encoder_lr: float = 0.3
    warmup: int = 300
    weight_decay: float = 1e-4
    stem_steps: int = 400
    parts: str = "all"
    start: str | None = None
    segmenters: str | None = None
    bf16: bool = False
    checkpoint_minutes: float = 3.0
    augment: AugmentConfig = field(default_factory=AugmentConfig)


@dataclass(frozen=True)
class Progress:
    """One step's figures: its number (from 1), learning rate, and per block CE and PSNR in dB."""

    step: int
    lr: float
    loss: float
    cross_entropy: tuple[float, ...]
    psnr: tuple[float, ...]


class Trainer:
    """A run in a folder: weights (averaged, float16), checkpoint and log are kept there.

    with Trainer(config, scenes, CAMVID, Path("runs/a")) as run:
        for progress in run:
            print(progress)
    """

    def __init__(
        self,
        config: TrainConfig,
        scenes: list[Scene],
        classes: ClassSet,
        folder: Path,
        *,
        data: str = "",
        resume: bool = False,
        announce: Callable[[str], None] = print,
    ) -> None:
        self.config, self.scenes, self.classes = config, scenes, classes
        self.folder, self.data, self.announce = folder, data, announce
        self.step, self.steps_before = 0, 0
        torch.manual_seed(config.seed)
        folder.mkdir(parents=True, exist_ok=True)
        if not resume and (folder / STATE).exists():
            raise UsageError(f"{folder}: holds a run already; add --resume, or choose --output")
        self.net = self._initial_net(fresh=not resume)
        self._freeze()
        self.weights = class_weights(scenes, len(classes))
        self.optimizer = torch.optim.AdamW(self._groups(), weight_decay=config.weight_decay)
        self.ema = Ema(self.net)
        if resume:
            self._restore()

    def _initial_net(self, *, fresh: bool) -> SDBNet:
        config = self.config
        net = SDBNet(preset(config.preset), classes=len(self.classes), stages=config.stages)
        if not fresh or config.start is None:
            return net
        if config.start != "imagenet":
            grown, self.steps_before = self._grown(config.start)
            if config.segmenters is not None:
                other, _ = self._grown(config.segmenters)
                for block, source in zip(grown.sdbs(), other.sdbs(), strict=True):
                    block.segmenter = source.segmenter
            return grown
        state = load_lite0()
        start_encoder(net, state)
        self._fit_stem(net, StemTeacher(net.config, state))
        return net

    def _grown(self, path: str) -> tuple[SDBNet, int]:
        """The net of a weights file with this run's number of blocks, and its steps so far."""
        config = self.config
        net, metadata = load_weights(Path(path))
        if metadata.classes != self.classes.name or metadata.preset != config.preset:
            raise UsageError(
                f"{path}: trained as {metadata.preset} on {metadata.classes}, "
                f"this run is {config.preset} on {self.classes.name}"
            )
        return net.grow(config.stages).train(), metadata.steps

    def _freeze(self) -> None:
        """Leave out of the training what `parts` does not name."""
        if self.config.parts not in PARTS:
            raise UsageError(f"--parts {self.config.parts}: choose one of {', '.join(PARTS)}")
        for block in self.net.sdbs():
            block.segmenter.requires_grad_(self.config.parts != "denoisers")
            block.denoiser.requires_grad_(self.config.parts != "segmenters")

    def _fit_stem(self, net: SDBNet, teacher: StemTeacher) -> None:
        """Teach the first stem, on noisy frames, the features that ImageNet's encoder expects."""
        parts = net.sdbs()[0].segmenter.stem_parts()
        parameters = [parameter for part in parts for parameter in part.parameters()]
        optimizer = torch.optim.Adam(parameters, lr=2e-3)
        for step in range(self.config.stem_steps):
            _set_lr(optimizer, 2e-3 * (1 - step / self.config.stem_steps))
            loss = stem_loss(net, teacher, self._batch(-1 - step))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 100 == 99:
                self.announce(f"stem {step + 1}/{self.config.stem_steps}: {loss.item():.3f}")

    def _groups(self) -> list[dict[str, object]]:
        pretrained = [p for p in encoder_parameters(self.net) if p.requires_grad]
        known = {id(parameter) for parameter in pretrained}
        fresh = [p for p in self.net.parameters() if p.requires_grad and id(p) not in known]
        return [
            {"params": fresh, "factor": 1.0},
            {"params": pretrained, "factor": self.config.encoder_lr},
        ]

    def _batch(self, step: int) -> Batch:
        config = self.config
        return draw_batch(
            self.scenes, config.augment, size=config.batch, seed=config.seed, step=step % 2**32
        )

    def _window(self, step: int) -> Window:
        """Where this step's denoisers learn."""
        crop = self.config.augment.crop
        side = min(self.config.window, crop)
        rng = np.random.default_rng((self.config.seed, step, 1))
        top, left = 8 * rng.integers((crop - side) // 8 + 1, size=2)
        return Window(crop, int(top), int(left), side)

    def learning_rate(self, step: int) -> float:
        """Learning rate of step number `step` (from 0)."""
        config = self.config
        if step < config.warmup:
            return config.lr * (step + 1) / config.warmup
        done = (step - config.warmup) / max(config.steps - config.warmup, 1)
        return config.lr * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))

    def train_step(self) -> Progress:
        """Draw one batch and take one optimiser step."""
        config, lr = self.config, self.learning_rate(self.step)
        _set_lr(self.optimizer, lr)
        batch = self._batch(self.step)
        window = self._window(self.step)
        autocast: AbstractContextManager[object] = (
            torch.autocast("cpu", torch.bfloat16) if config.bf16 else nullcontext()
        )
        with autocast:
            noisy = self.net.pack(batch.noisy)
            outputs = forward_windowed(self.net, noisy, batch.noise, window)
        clean = window.cut(self.net.pack(batch.clean))
        losses = block_losses(outputs, clean, batch.labels, self.weights)
        loss = total_loss(losses)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        self.ema.update(self.net, self.step)
        self.step += 1
        return Progress(
            self.step,
            lr,
            loss.item(),
            tuple(x.cross_entropy.item() for x in losses),
            tuple(-10 / math.log(10) * x.log_mse.item() for x in losses),
        )

    def __iter__(self) -> Iterator[Progress]:
        """Steps until the last, with a log line each and a checkpoint every few minutes."""
        saved = time.monotonic()
        self._trim_log()
        with (self.folder / LOG).open("a", buffering=1) as log:
            while self.step < self.config.steps:
                with uninterrupted():
                    progress = self.train_step()
                    log.write(json.dumps(asdict(progress)) + "\n")
                if time.monotonic() - saved > 60 * self.config.checkpoint_minutes:
                    self.save()
                    saved = time.monotonic()
                yield progress

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
                "step": self.step,
                "steps_before": self.steps_before,
                "net": self.net.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "ema": self.ema.weights,
            },
        )
        save_weights(self.averaged(), self.folder / WEIGHTS, self.metadata())

    def _settings(self) -> dict[str, object]:
        """All that decides how the run goes, by name, for comparing on resumption."""
        settings = asdict(self.config) | asdict(self.config.augment) | {"data": self.data}
        return {k: v for k, v in settings.items() if k not in ("checkpoint_minutes", "augment")}

    def metadata(self, metrics: dict[str, float] | None = None) -> Metadata:
        """What the weights of this run say about themselves."""
        return Metadata(
            preset=self.config.preset,
            stages=self.config.stages,
            classes=self.classes.name,
            data=self.data,
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
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.ema.weights = state["ema"]
        self.step, self.steps_before = state["step"], state["steps_before"]

    def __enter__(self) -> Trainer:
        return self

    def __exit__(self, *_: object) -> None:
        """Keep what was learnt, also after Ctrl-C."""
        self.save()


def _set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = lr * group.get("factor", 1.0)
