"""Published checkpoints from the command line to a labelled frame."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

torch = pytest.importorskip("torch")

from rtsdb.classes import CITYSCAPES  # noqa: E402
from rtsdb.cli import app  # noqa: E402
from rtsdb.engine import load_engine  # noqa: E402
from rtsdb.errors import UsageError  # noqa: E402
from rtsdb.models.metadata import Metadata, read_metadata  # noqa: E402
from rtsdb.weights import find_model  # noqa: E402
from tests.models import authors  # noqa: E402


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Checkpoints of one block for Cityscapes."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("published")
    parts = authors.draw_segmenter(19, seed=0), authors.draw_denoiser(19, seed=1)
    for name, weights in zip(("s.pth", "sd.pth"), parts, strict=True):
        torch.save({"model_weights": weights, "best_mIoU": np.float64(0.66)}, folder / name)
    return [str(folder / name) for name in ("s.pth", "sd.pth")]


def import_weights(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["import-weights", *arguments], env={"COLUMNS": "200"})


def test_imported_weights_label_a_frame_with_the_classes_of_cityscapes(
    files: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "sdabn-cityscapes.safetensors"
    result = import_weights("--preset", "sdabn", *files, "-o", str(path))
    assert result.exit_code == 0, result.output
    assert str(path) in result.output
    data = "published: s.pth, sd.pth"
    assert read_metadata(path) == Metadata("sdabn", 1, "cityscapes", data)
    assert find_model(str(path), 1).classes is CITYSCAPES
    with load_engine(str(path), stages=1, engine="torch") as engine:
        labels = engine(np.full((64, 64, 3), 90, np.uint8), sigma=50).labels
    assert labels.shape == (64, 64)
    assert labels.max() < len(CITYSCAPES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "rt"], "--preset rt: only sdabn"),
        (["--classes", "coco"], "--classes coco: .*camvid, cityscapes"),
        (["--classes", "camvid"], "s.pth: does not fit S1 for 11 classes"),
        (["more.pth"], "3 checkpoints"),
    ],
)
def test_a_bad_request_leaves_no_file(
    files: list[str], tmp_path: Path, arguments: list[str], message: str
) -> None:
    result = import_weights(*files, *arguments, "-o", str(tmp_path / "w.safetensors"))
    assert isinstance(result.exception, UsageError)
    assert re.search(message, str(result.exception))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["w.pth", "nowhere/w.safetensors"])
def test_an_output_that_cannot_be_is_named(files: list[str], tmp_path: Path, name: str) -> None:
    result = import_weights(*files, "-o", str(tmp_path / name))
    assert isinstance(result.exception, UsageError)
    assert f"--output {tmp_path / name}: " in str(result.exception)
    assert not list(tmp_path.iterdir())
