"""PSNR and mIoU of every block on held-out frames, in the 8-bit convention."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from rtsdb.data.degradations import NoiseSimulator
from rtsdb.data.scenes import Scene
from rtsdb.metrics import ConfusionMatrix, psnr
from rtsdb.models.frame_net import decide, to_bytes
from rtsdb.models.sdb import SDBNet
from rtsdb.noise import NoiseLevel
from rtsdb.tiling import gather, plan_tiles


@torch.no_grad()
def validate(
    net: SDBNet, scenes: list[Scene], *, sigmas: tuple[float, ...], seed: int = 0
) -> dict[str, float]:
    """Scores by name: 'K2/awgn50/psnr' in dB (mean over frames), 'K2/awgn50/miou' in percent.

    The noise is clip(round(x + n)) and the same on every run; sigma is told to the net.
    """
    metrics: dict[str, float] = {}
    for sigma in sigmas:
        simulator = NoiseSimulator(sigma, seed)
        noise = torch.from_numpy(NoiseLevel.awgn(sigma).array())[None]
        decibels: list[list[float]] = [[] for _ in range(net.stages)]
        matrices = [ConfusionMatrix(net.classes) for _ in range(net.stages)]
        for index, scene in enumerate(scenes):
            noisy = np.empty_like(scene.image)
            simulator.apply(scene.image, noisy, index)
            outputs = net(net.pack(_padded(noisy)), noise)
            height, width = scene.labels.shape
            for k, output in enumerate(outputs):
                denoised = to_bytes(net.unpack(output.estimate))[0, :height, :width].numpy()
                labels = decide(output.logits)[0, :height, :width].numpy()
                decibels[k].append(psnr(denoised, scene.image))
                matrices[k].update(np.ascontiguousarray(labels), scene.labels)
        for k in range(net.stages):
            name = f"K{k + 1}/awgn{sigma:g}"
            metrics[f"{name}/psnr"] = float(np.mean(decibels[k]))
            metrics[f"{name}/miou"] = 100 * matrices[k].miou()
    return metrics


def _padded(frame: NDArray[np.uint8]) -> torch.Tensor:
    """A frame as the engines see it: extended by reflection; float32 [1, 3, H, W] in 0..1."""
    plan = plan_tiles(*frame.shape[:2])
    tile = np.empty((plan.tile_height, plan.tile_width, 3), np.uint8)
    gather(plan, frame, [tile])
    return torch.from_numpy(tile).permute(2, 0, 1)[None].float() / 255.0
