"""The published network's own checkpoints (github.com/powder21/SDABN), read into ours.

The authors' scripts train one part at a time and save each to a file of its own,
{"model_weights": its state dict, "best_mIoU" or "best_psnr": a NumPy number, ...}; they call the
files s, sd, sds, sdsd, ... for S1, D1, S2, D2, ...
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rtsdb.classes import ClassSet
from rtsdb.errors import UsageError
from rtsdb.models.blocks import SdabnBlock
from rtsdb.models.checkpoint import check_finite, learnt, misfit
from rtsdb.models.ddfn import DDFN
from rtsdb.models.hrnet import HRNet
from rtsdb.models.presets import preset
from rtsdb.models.sdb import SDBNet

Names = tuple[tuple[str, str], ...]
"""What the authors call our tensors: patterns of our names, and theirs."""

HRNET_NAMES: Names = ()  # the same
DDFN_NAMES: Names = (
    (r"^head\.near\.", "msfeat.conv1.0."),
    (r"^head\.far\.", "msfeat.conv2.0."),
    (r"^head\.far_near\.", "msfeat.conv3.0."),
    (r"^head\.near_far\.", "msfeat.conv4.0."),
    (r"^embed\.", "segfeat.conv."),
    (r"^blocks\.(\d+)\.", r"dfus_block\1."),
    (r"^(dfus_block\d+)\.sft\.", r"\1.input_sft."),
    (r"\.squeeze\.", ".conv1.0."),
    (r"\.scales\.near\.", ".feat1.0."),
    (r"\.scales\.near_far\.", ".feat15.0."),
    (r"\.scales\.far\.", ".feat2.0."),
    (r"\.scales\.far_near\.", ".feat25.0."),
    (r"\.fuse\.", ".feat.0."),
    (r"^out\.", "convr."),
)

_SCALAR = np.float64(0).__reduce__()[0]
NUMPY_NUMBERS: list[Any] = [
    (_SCALAR, "numpy.core.multiarray.scalar"),
    (_SCALAR, "numpy._core.multiarray.scalar"),  # since NumPy 2
    np.dtype,
    type(np.dtype(np.float32)),
    type(np.dtype(np.float64)),
]
"""What a pickled NumPy number is made of: all that is unpickled beside torch's safe types."""


def read_published(paths: Sequence[Path], classes: ClassSet) -> SDBNet:
    """The net whose parts S1, D1, S2, D2, ... lie in the checkpoints at `paths`, ready to run.

    Only tensors and plain numbers are unpickled. Raises UsageError for a file with anything
    else in it, with missing, extra or non-finite tensors, or with tensors of another shape
    (another number of classes), and unless there are two files per block.
    """
    if len(paths) not in (2, 4, 6):
        raise UsageError(
            f"{len(paths)} checkpoints: give two per block, in the order s.pth sd.pth sds.pth ..."
        )
    states = [_read(path) for path in paths]
    net = SDBNet(preset("sdabn"), classes=len(classes), stages=len(paths) // 2)
    for index, (path, found) in enumerate(zip(paths, states, strict=True)):
        block, number = net.sdbs()[index // 2], index // 2 + 1
        assert isinstance(block, SdabnBlock)
        part: HRNet | DDFN
        if index % 2 == 0:
            name, part, names = f"S{number}", block.segmenter, HRNET_NAMES
        else:
            name, part, names = f"D{number}", block.denoiser, DDFN_NAMES
        expected = learnt(part)
        ours = {_rename(tensor, names): tensor for tensor in expected}
        problem = misfit({theirs: expected[tensor] for theirs, tensor in ours.items()}, found)
        if problem:
            raise UsageError(
                f"{path}: does not fit {name} for {len(classes)} classes: {problem}; "
                "give the parts in the order S1 D1 S2 D2 ..., and their --classes"
            )
        check_finite(path, found)
        part.load_state_dict({ours[theirs]: found[theirs] for theirs in ours}, strict=False)
    return net.eval()


def _rename(tensor: str, names: Names) -> str:
    for pattern, theirs in names:
        tensor = re.sub(pattern, theirs, tensor)
    return tensor


def _read(path: Path) -> dict[str, Tensor]:
    """The tensors of one checkpoint, without the step counters of batch normalisation."""
    if not path.is_file():
        raise UsageError(f"{path}: no such checkpoint")
    try:
        with torch.serialization.safe_globals(NUMPY_NUMBERS):
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle can raise anything
        called = re.search(r"GLOBAL (\S+)", str(error))
        raise UsageError(
            f"{path}: not a whole checkpoint of plain tensors, and nothing else is loaded"
            + (f" (it calls {called[1]})" if called else "")
        ) from error
    weights = checkpoint.get("model_weights") if isinstance(checkpoint, dict) else None
    if not isinstance(weights, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in weights.items()
    ):
        raise UsageError(f"{path}: no 'model_weights' in it; is it a published checkpoint?")
    return {name: value for name, value in weights.items() if value.is_floating_point()}
