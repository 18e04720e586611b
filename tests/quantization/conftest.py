"""A tiny network as ONNX in both precisions, and a CamVid root to calibrate it with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from rtsdb.export import export_onnx  # noqa: E402
from rtsdb.models.checkpoint import save_weights  # noqa: E402
from rtsdb.models.metadata import Metadata  # noqa: E402
from rtsdb.models.presets import PRESETS  # noqa: E402
from rtsdb.models.sdb import SDBNet  # noqa: E402
from tests.tiny import TINY  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def tiny_preset() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "tiny", TINY)
        yield


@pytest.fixture(scope="session")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tiny.onnx, with tiny.fp16.onnx and the weights that both refer to beside it."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny")
    net = SDBNet(TINY, classes=11, stages=2).eval()
    metadata = Metadata("tiny", 2, "camvid")
    weights = folder / "tiny.safetensors"
    save_weights(net, weights, metadata)
    export_onnx(net, folder / "tiny.onnx", metadata, share=weights)
    export_onnx(net, folder / "tiny.fp16.onnx", metadata, precision="fp16", share=weights)
    return folder / "tiny.onnx"


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CamVid root whose train split holds five smooth pictures of 100x70 with all labels."""
    folder = tmp_path_factory.mktemp("camvid")
    for name in ("train", "trainannot"):
        (folder / name).mkdir()
    for seed in range(5):
        rng = np.random.default_rng(seed)
        colours = rng.uniform(30, 220, (5, 7, 3))
        picture = np.clip(cv2.resize(colours, (100, 70), interpolation=cv2.INTER_CUBIC), 0, 255)
        labels = rng.permutation(np.arange(35) % 12).reshape(5, 7).astype(np.uint8)
        labels = cv2.resize(labels, (100, 70), interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(folder / f"train/{seed}.png"), picture.astype(np.uint8))
        cv2.imwrite(str(folder / f"trainannot/{seed}.png"), labels)
    return folder
