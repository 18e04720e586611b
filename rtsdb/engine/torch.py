"""PyTorch: the reference engine, for comparing and for research; needs the extra `train`."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from rtsdb.engine.base import EngineInfo
from rtsdb.engine.tiled import TileBuffers, TiledEngine
from rtsdb.errors import MissingPackageError

try:
    import torch
    from torch import nn
except ImportError as error:
    raise MissingPackageError("torch", extra="train") from error

from rtsdb.models.checkpoint import load_weights
from rtsdb.models.frame_net import FrameNet
from rtsdb.tiling import HALO
from rtsdb.video.frame import Image


class TorchEngine(TiledEngine[TileBuffers]):
    """Float32 on the CPU, one tile after the other, from a safetensors weights file.

    Work happens in `result`: there is no background thread. Raises UsageError for weights that
    do not fit, see `load_weights`.
    """

    device = "cpu"

    def __init__(
        self,
        weights: Path,
        *,
        stages: int,
        precision: str = "auto",
        tile: tuple[int, int] | None = None,
        halo: int = HALO,
        slots: int = 2,
    ) -> None:
        super().__init__(slots=slots, tile=tile, halo=halo)
        net, metadata = load_weights(weights, stages=stages)
        self.net: nn.Module = FrameNet(net)
        self.info = EngineInfo(
            name="torch",
            model=f"{metadata.preset} K={stages}",
            precision="fp32",
            device=self.device,
            versions={"torch": torch.__version__},
        )

    def compile(self, height: int, width: int) -> None:
        """Nothing to compile."""

    def begin(self, tile: TileBuffers) -> TileBuffers:
        """A job is its buffers, of which `frame` may become another's."""
        return replace(tile)

    def read_in_place(self, job: TileBuffers, frame: Image) -> None:
        """Take the caller's memory for the tile's."""
        job.frame = frame[None]

    def start(self, job: TileBuffers) -> None:
        """Nothing runs before `wait`."""

    def wait(self, job: TileBuffers) -> float:
        """Run the net on one tile."""
        before = time.perf_counter()
        with torch.inference_mode():
            frame, noise = torch.from_numpy(job.frame), torch.from_numpy(job.noise)
            denoised, labels = self.net(frame.to(self.device), noise.to(self.device))
            job.denoised[:], job.labels[:] = denoised.cpu().numpy(), labels.cpu().numpy()
        return time.perf_counter() - before
