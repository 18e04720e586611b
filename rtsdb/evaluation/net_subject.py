"""A network run by torch as it is: every block's output of one pass, float frames too."""

from __future__ import annotations

import time

import numpy as np

from rtsdb.classes import VOID
from rtsdb.errors import MissingPackageError
from rtsdb.evaluation.subject import Output, Subject
from rtsdb.metrics import Picture
from rtsdb.noise import NoiseLevel
from rtsdb.video.frame import Labels

try:
    import torch
except ImportError as error:
    raise MissingPackageError("torch", extra="train") from error

from rtsdb.models.frame_net import decide, to_bytes
from rtsdb.models.sdb import SDBNet


class NetSubject(Subject):
    """The blocks `stages` of a network, in float32 on the CPU.

    stages: numbers of blocks K, each of which is judged as the network of that many blocks. As
    one pass gives all of them, only the output of the last block has a time. eight_bit: whether
    outputs are rounded to uint8; otherwise they are float32, clamped to 0..255.
    """

    labels = True
    about = f"torch {torch.__version__} fp32 on the CPU"

    def __init__(
        self, net: SDBNet, *, name: str, stages: tuple[int, ...], eight_bit: bool = True
    ) -> None:
        self.name, self.stages, self._net, self._eight_bit = name, stages, net, eight_bit

    @torch.inference_mode()
    def run(self, noisy: Picture, level: NoiseLevel, truth: Labels) -> list[Output]:
        """Process a frame of any size; its labels steer the network if that is its condition."""
        net, alternation = self._net, self._net.config.alternation
        height, width = truth.shape
        before = time.perf_counter()
        bottom, right = -height % net.multiple, -width % net.multiple
        padded = np.pad(noisy, ((0, bottom), (0, right), (0, 0)), mode="reflect")
        frame = torch.from_numpy(padded).permute(2, 0, 1)[None].float() * (1.0 / 255.0)
        noise = torch.from_numpy(level.array())[None]
        steering = None
        if alternation.condition == "truth":
            known = np.pad(truth, ((0, bottom), (0, right)), constant_values=VOID)
            steering = torch.from_numpy(known)[None].long()
        inside = np.s_[0, :height, :width]
        outputs = []
        for k, (logits, estimate) in enumerate(net(net.pack(frame), noise, steering), start=1):
            if k in self.stages:
                image = net.unpack(estimate)
                frames = to_bytes(image) if self._eight_bit else _to_levels(image)
                denoised = frames.numpy()[inside]
                labels = decide(logits, alternation).numpy()[inside]
                seconds = time.perf_counter() - before if k == net.stages else None
                outputs.append(Output(denoised, labels, seconds))
        return outputs


def _to_levels(image: torch.Tensor) -> torch.Tensor:
    """Image [N, 3, H, W] in 0..1 to clamped float32 grey levels [N, H, W, 3]."""
    return torch.clamp(image * 255.0, 0.0, 255.0).permute(0, 2, 3, 1)
