"""What a run did, in figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from rtsdb.metrics import ConfusionMatrix, psnr
from rtsdb.pipeline.latency import LatencyReport
from rtsdb.video.frame import Image


@dataclass
class Quality:
    """Comparison with the clean frame and the ground truth, where there are any.

    psnr_noisy, psnr_denoised: sums over frames in dB. confusion: of the labels.
    """

    confusion: ConfusionMatrix | None = None
    frames: int = 0
    psnr_noisy: float = 0.0
    psnr_denoised: float = 0.0

    def add(self, clean: Image, noisy: Image, denoised: Image) -> None:
        """Count one frame's PSNR, which is infinite where there is no error at all."""
        self.frames += 1
        self.psnr_noisy += psnr(noisy, clean)
        self.psnr_denoised += psnr(denoised, clean)


@dataclass
class Summary:
    """What a run did.

    dropped: frames not written, by cause: 'queue' (newer ones came before the engine was free),
    'age' (older than the limit when it was), 'engine' (it failed on them) and those of
    `SourceEvents`. frames: written. seconds: of the whole run. reconnects, lost_seconds: as in
    `SourceEvents`.
    """

    latency: LatencyReport = field(default_factory=LatencyReport)
    dropped: Counter[str] = field(default_factory=Counter)
    quality: Quality = field(default_factory=Quality)
    frames: int = 0
    seconds: float = 0.0
    reconnects: int = 0
    lost_seconds: float = 0.0
    interrupted: bool = False

    @property
    def fps(self) -> float:
        """Finished frames per second, from the first capture to the last output."""
        return self.frames / self.seconds if self.seconds else 0.0
