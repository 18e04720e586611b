from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from rtsdb.classes import CAMVID, CITYSCAPES, ClassSet
from rtsdb.errors import UsageError
from rtsdb.models.checkpoint import load_weights, save_weights
from rtsdb.models.metadata import Metadata
from rtsdb.models.published import read_published
from tests.models import authors

NAMES = ("s.pth", "sd.pth", "sds.pth", "sdsd.pth", "sdsds.pth", "sdsdsd.pth")
CLASSES = len(CITYSCAPES)


def write(path: Path, weights: object, **more: object) -> Path:
    torch.save({"model_weights": weights, **more}, path)
    return path


@pytest.fixture(scope="module")
def parts() -> list[authors.State]:
    """S1, D1, S2, D2, S3, D3."""
    draws = (authors.draw_segmenter, authors.draw_denoiser)
    return [draws[index % 2](CLASSES, seed=index) for index in range(len(NAMES))]


@pytest.fixture(scope="module")
def files(parts: list[authors.State], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Checkpoints as the authors' scripts write them, NumPy numbers and all."""
    folder = tmp_path_factory.mktemp("published")
    return [
        write(folder / name, part, loss_weight={"weight": torch.ones(19)}, best_mIoU=score)
        for name, part, score in zip(
            NAMES, parts, 3 * [np.float32(0.66), np.float64(34.4)], strict=True
        )
    ]


@pytest.fixture(scope="module")
def noisy() -> Tensor:
    return torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def expected(parts: list[authors.State], noisy: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Logits and estimates of the three blocks."""
    return authors.alternate(parts, noisy)


@pytest.mark.parametrize("stages", [1, 2, 3])
@torch.no_grad()
def test_outputs_are_those_of_the_authors_code(
    files: list[Path],
    noisy: Tensor,
    expected: list[tuple[Tensor, Tensor]],
    stages: int,
    tmp_path: Path,
) -> None:
    path = tmp_path / "sdabn-cityscapes.safetensors"
    imported = read_published(files[: 2 * stages], CITYSCAPES)
    save_weights(imported, path, Metadata("sdabn", stages, "cityscapes"))
    net, _ = load_weights(path)
    outputs = net(net.pack(noisy), torch.zeros(1, 2))
    assert len(outputs) == stages
    for output, (logits, estimate) in zip(outputs, expected[:stages], strict=True):
        torch.testing.assert_close(output.logits, logits, rtol=0, atol=1e-4)
        torch.testing.assert_close(net.unpack(output.estimate), estimate, rtol=0, atol=1e-4)
        assert logits.std() > 0.1
        assert estimate.std() > 0.1


def test_every_tensor_of_the_checkpoints_is_used(
    parts: list[authors.State], files: list[Path]
) -> None:
    net = read_published(files[:2], CITYSCAPES)
    ours = [value for value in net.state_dict().values() if value.is_floating_point()]
    theirs = [value for part in parts[:2] for value in part.values() if value.is_floating_point()]
    assert sorted(x.double().sum().item() for x in ours) == pytest.approx(
        sorted(x.double().sum().item() for x in theirs)
    )


Change = Callable[[authors.State], None]


@pytest.fixture
def refusal(parts: list[authors.State], files: list[Path], tmp_path: Path) -> Callable[..., str]:
    """Why checkpoints are refused whose second, of D1, was changed."""

    def refused(change: Change, classes: ClassSet = CITYSCAPES) -> str:
        state = dict(parts[1])
        change(state)
        return refused_files([files[0], write(tmp_path / "sd.pth", state)], classes)

    return refused


def refused_files(paths: list[Path], classes: ClassSet = CITYSCAPES) -> str:
    with pytest.raises(UsageError) as caught:
        read_published(paths, classes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


Refusal = Callable[..., str]


def test_a_missing_tensor_is_named(refusal: Refusal) -> None:
    message = refusal(lambda state: state.pop("dfus_block3.feat15.0.bias"))
    assert "sd.pth" in message
    assert "1 missing (dfus_block3.feat15.0.bias)" in message


def test_an_extra_tensor_is_named(refusal: Refusal) -> None:
    assert "1 extra (more)" in refusal(lambda state: state.update(more=torch.zeros(1)))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused(refusal: Refusal, value: float) -> None:
    def spoil(state: authors.State) -> None:
        state["convr.weight"] = state["convr.weight"].clone()
        state["convr.weight"][1, 5] = value

    assert "convr.weight holds values that are not finite" in refusal(spoil)


def test_another_number_of_classes_is_refused(files: list[Path]) -> None:
    message = refused_files(files[:2], CAMVID)
    assert "s.pth: does not fit S1 for 11 classes" in message
    assert "2 of other shape (last_layer.3.bias, last_layer.3.weight)" in message
    assert "--classes" in message


def test_parts_in_another_order_are_refused(files: list[Path]) -> None:
    message = refused_files([files[1], files[0]])
    assert "sd.pth: does not fit S1" in message
    assert "in the order S1 D1 S2 D2" in message


@pytest.mark.parametrize("count", [0, 1, 3, 5, 8])
def test_anything_but_two_files_per_block_is_refused(files: list[Path], count: int) -> None:
    assert f"{count} checkpoints: give two per block" in refused_files((files + files)[:count])


def test_a_missing_file_is_refused(tmp_path: Path, files: list[Path]) -> None:
    assert "none.pth: no such" in refused_files([files[0], tmp_path / "none.pth"])


@pytest.mark.parametrize("kept", [0, 100, -1000])
def test_a_truncated_file_is_refused(tmp_path: Path, files: list[Path], kept: int) -> None:
    path = tmp_path / "short.pth"
    path.write_bytes(files[0].read_bytes()[:kept])
    assert "short.pth: not a whole checkpoint of plain tensors" in refused_files([path, files[1]])


class Bomb:
    """Runs code when it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.proof),)


@pytest.mark.parametrize("plain", [True, False], ids=["pickle", "torch"])
def test_code_in_a_pickle_is_refused_and_not_run(
    tmp_path: Path, files: list[Path], plain: bool
) -> None:
    path, proof = tmp_path / "evil.pth", tmp_path / "ran"
    if plain:
        path.write_bytes(pickle.dumps({"model_weights": Bomb(proof)}, protocol=2))
    else:
        write(path, Bomb(proof))
    message = refused_files([path, files[1]])
    assert "evil.pth: not a whole checkpoint of plain tensors" in message
    assert "mkdir" in message
    assert not proof.exists()


@pytest.mark.parametrize(
    "content",
    [
        {"state_dict": {}},
        [torch.zeros(1)],
        {"model_weights": [torch.zeros(1)]},
        {"model_weights": {"convr.weight": 3}},
        {"model_weights": {3: torch.zeros(1)}},
    ],
)
def test_checkpoints_of_another_form_are_refused(
    tmp_path: Path, files: list[Path], content: object
) -> None:
    torch.save(content, tmp_path / "other.pth")
    message = refused_files([tmp_path / "other.pth", files[1]])
    assert "other.pth: no 'model_weights' in it" in message


def test_checkpoints_in_half_precision_are_widened(
    parts: list[authors.State], files: list[Path], tmp_path: Path
) -> None:
    half = {name: value.half() for name, value in parts[1].items()}
    net = read_published([files[0], write(tmp_path / "half.pth", half)], CITYSCAPES)
    weight: Tensor = net.sdbs()[0].denoiser.state_dict()["out.weight"]
    assert torch.equal(weight, half["convr.weight"].float())
