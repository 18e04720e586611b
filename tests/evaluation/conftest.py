"""Small labelled pictures, small networks, and a CamVid root made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from rtsdb.classes import CLASS_SETS
from rtsdb.data.drawn import FIRST_SEED
from rtsdb.data.scenes import Scene
from rtsdb.evaluation.command import EvalRequest
from rtsdb.models.checkpoint import Metadata, save_weights
from rtsdb.models.presets import PRESETS
from rtsdb.models.sdb import SDBNet
from tests.tiny import TINY


@pytest.fixture(autouse=True)
def tiny_presets(monkeypatch: pytest.MonkeyPatch) -> None:
    """'tiny', and 'tiny-truth', which is steered by the true labels."""
    torch.set_num_threads(1)
    truth = replace(TINY, alternation=replace(TINY.alternation, condition="truth"))
    monkeypatch.setitem(PRESETS, "tiny", TINY)
    monkeypatch.setitem(PRESETS, "tiny-truth", truth)


@pytest.fixture
def scenes() -> list[Scene]:
    """Three smooth pictures of 96x70 with patches of all 11 labels and of none."""
    drawn = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        colours = rng.uniform(30, 220, (5, 7, 3))
        image = np.clip(cv2.resize(colours, (96, 70), interpolation=cv2.INTER_CUBIC), 0, 255)
        labels = rng.permutation(np.arange(35) % 12).reshape(5, 7).astype(np.uint8)
        labels[labels == 11] = 255
        labels = np.repeat(np.repeat(labels, 14, 0), 14, 1)[:, :96]
        drawn.append(Scene(f"scene-{seed}", image.astype(np.uint8), labels))
    return drawn


@pytest.fixture
def flat_streets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the figure's streets be plain grey: drawing real ones takes seconds."""

    def draw(count: int, *, first_seed: int, width: int, height: int) -> list[Scene]:
        assert first_seed + count <= FIRST_SEED
        image, labels = np.full((height, width, 3), 90), np.full((height, width), 3)
        scene = Scene("road", image.astype(np.uint8), labels.astype(np.uint8))
        return [scene] * count

    monkeypatch.setattr("rtsdb.evaluation.figure.draw_scenes", draw)


@pytest.fixture
def camvid(tmp_path: Path, scenes: list[Scene]) -> Path:
    """A CamVid root whose val split holds the scenes."""
    root = tmp_path / "camvid"
    for folder in ("val", "valannot"):
        (root / folder).mkdir(parents=True)
    for name, image, labels in scenes:
        cv2.imwrite(str(root / "val" / f"{name}.png"), image[:, :, ::-1])
        cv2.imwrite(str(root / "valannot" / f"{name}.png"), np.minimum(labels, 11))
    return root


@pytest.fixture
def make_weights(tmp_path: Path) -> Callable[..., Path]:
    """Store a tiny network of two blocks that has learnt nothing, or that holds nan."""

    def make(classes: str = "camvid", spoil: bool = False) -> Path:
        torch.manual_seed(1)
        net = SDBNet(TINY, classes=len(CLASS_SETS[classes]), stages=2).eval()
        if spoil:
            torch.nn.init.constant_(next(net.parameters()), float("nan"))
        path = tmp_path / f"{classes}.safetensors"
        save_weights(net, path, Metadata("tiny", 2, classes, data="nothing"))
        return path

    return make


@pytest.fixture
def wanted(camvid: Path, make_weights: Callable[..., Path]) -> EvalRequest:
    """Both blocks of the tiny network, in torch, at one noise."""
    return EvalRequest(
        model=str(make_weights()),
        preset=None,
        engine="torch",
        precision="auto",
        dataset="camvid",
        root=camvid,
        split="val",
        sequences=(),
        enlarge=1,
        noise="awgn:25",
        stages=None,
        convention="8bit",
        sigma="known",
        peers="",
        limit=None,
        output=None,
        figure=None,
        command="rtsdb eval --some options",
    )
