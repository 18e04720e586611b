from __future__ import annotations

from pathlib import Path

import pytest
import torch

from rtsdb.errors import UsageError
from rtsdb.models.checkpoint import load_weights, save_weights
from rtsdb.models.metadata import Metadata
from rtsdb.models.presets import PRESETS
from rtsdb.models.sdb import SDBNet
from rtsdb.training.average import average_weights


def stored(folder: Path, value: float, stages: int = 2, **said: object) -> Path:
    """A weights file all of whose values are the same."""
    net = SDBNet(PRESETS["tiny"], classes=11, stages=stages)
    for parameter in net.parameters():
        torch.nn.init.constant_(parameter, value)
    facts = {"preset": "tiny", "stages": stages, "classes": "camvid"} | said
    path = folder / f"{value:g}.safetensors"
    save_weights(net, path, Metadata(**facts))  # type: ignore[arg-type]
    return path


def test_a_mean_counts_every_file_as_often_as_it_is_named(tmp_path: Path) -> None:
    one = stored(tmp_path, 1.0, steps=30, data="days", metrics={"psnr": 9.0})
    two = stored(tmp_path, 2.5, steps=50, data="nights; days")
    net, metadata = average_weights([one, two, two])
    assert all(torch.all(value == 2.0) for value in net.parameters())
    assert metadata == Metadata("tiny", 2, "camvid", data="days; nights", steps=50)


def test_a_mean_has_the_blocks_that_all_have(tmp_path: Path) -> None:
    net, metadata = average_weights(
        [stored(tmp_path, 1.0, stages=3), stored(tmp_path, 2.0, stages=1)]
    )
    assert net.stages == metadata.stages == 1
    assert all(torch.all(value == 1.5) for value in net.parameters())


def test_segmenters_are_taken_as_they_are(tmp_path: Path) -> None:
    paths = [stored(tmp_path, value) for value in (1.0, 2.0)]
    net, metadata = average_weights(
        paths, segmenters=stored(tmp_path, 7.0, stages=1, data="streets")
    )
    assert metadata.data == "streets"
    save_weights(net, tmp_path / "w.safetensors", metadata)
    for name, value in load_weights(tmp_path / "w.safetensors")[0].named_parameters():
        assert torch.all(value == (7.0 if ".segmenter." in name else 1.5)), name


def test_weights_of_another_network_are_refused_by_name(tmp_path: Path) -> None:
    one, other = stored(tmp_path, 1.0), stored(tmp_path, 2.0, preset="tiny-truth")
    with pytest.raises(UsageError, match=r"2\.safetensors: is tiny-truth for camvid, .*/1\."):
        average_weights([one, other])
