from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from rtsdb.errors import UsageError
from rtsdb.models.checkpoint import load_weights, save_weights
from rtsdb.models.metadata import Metadata
from rtsdb.models.presets import PRESETS, preset
from rtsdb.models.sdb import SDBNet
from tests.tiny import TINY

MakeNet = Callable[[int], SDBNet]


@pytest.fixture
def stored(make_net: MakeNet, tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    save_weights(make_net(2), path, Metadata("tiny", 2, "camvid"))
    return path


def rewrite(
    path: Path,
    change: Callable[[dict[str, torch.Tensor]], None] = lambda _: None,
    **metadata: object,
) -> None:
    """Store the file again with other tensors or other metadata."""
    state = load_file(path)
    change(state)
    facts = {"preset": "tiny", "stages": 2, "classes": "camvid"} | metadata
    save_file(state, path, metadata={"format": "rtsdb", "metadata": json.dumps(facts)})


def refused(path: Path, stages: int | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        load_weights(path, stages=stages)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_was_saved_is_loaded_in_half_precision(make_net: MakeNet, stored: Path) -> None:
    net, _ = load_weights(stored)
    assert not net.training
    for name, value in make_net(2).state_dict().items():
        assert net.state_dict()[name].dtype == torch.float32
        assert torch.equal(net.state_dict()[name], value.half().float())


def test_metadata_is_kept(make_net: MakeNet, tmp_path: Path) -> None:
    facts = Metadata("tiny", 1, "camvid", "drawn", 7, {"K1/awgn25/psnr": 30.25})
    save_weights(make_net(1), tmp_path / "w.safetensors", facts)
    assert load_weights(tmp_path / "w.safetensors")[1] == facts


def test_saving_leaves_only_the_file(stored: Path) -> None:
    assert [path.name for path in stored.parent.iterdir()] == [stored.name]


def test_the_first_stages_load_by_themselves(stored: Path) -> None:
    whole, first = load_weights(stored)[0], load_weights(stored, stages=1)[0]
    packed, noise = whole.pack(torch.rand(1, 3, 64, 64)), torch.tensor([[0.0, 100.0]])
    assert first.stages == 1
    assert not first.training
    assert torch.equal(first(packed, noise)[0].estimate, whole(packed, noise)[0].estimate)


@pytest.mark.parametrize("stages", [0, 3])
def test_stages_that_are_not_stored_are_refused(stored: Path, stages: int) -> None:
    assert f"has 2 stages, --stages {stages}" in refused(stored, stages)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "no such" in refused(tmp_path / "none.safetensors")


@pytest.mark.parametrize("content", [b"", b"weights, honestly\n" * 20, b"\xff" * 64])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.safetensors"
    path.write_bytes(content)
    assert "not a safetensors file" in refused(path)


def test_a_truncated_file_is_refused(stored: Path) -> None:
    stored.write_bytes(stored.read_bytes()[:-100])
    assert "not a safetensors file" in refused(stored)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_safetensors_of_others_are_refused(stored: Path, metadata: dict[str, str] | None) -> None:
    save_file(load_file(stored), stored, metadata=metadata)
    assert "without rtsdb metadata" in refused(stored)


@pytest.mark.parametrize("text", [None, "{", "[]", '{"preset": "tiny"}', '{"colour": "red"}'])
def test_metadata_of_another_form_is_refused(stored: Path, text: str | None) -> None:
    metadata = {"format": "rtsdb"} | ({} if text is None else {"metadata": text})
    save_file(load_file(stored), stored, metadata=metadata)
    assert "metadata of another version" in refused(stored)


@pytest.mark.parametrize(
    ("field", "value"), [("preset", "huge"), ("classes", "coco"), ("stages", 0), ("stages", "two")]
)
def test_metadata_that_names_what_is_unknown_is_refused(
    stored: Path, field: str, value: object
) -> None:
    rewrite(stored, **{field: value})
    assert str(value) in refused(stored)


NAME = "blocks.0.denoiser.enter.weight"


def test_a_missing_tensor_is_named(stored: Path) -> None:
    rewrite(stored, lambda state: state.pop(NAME))
    assert f"1 missing ({NAME})" in refused(stored)


def test_an_extra_tensor_is_named(stored: Path) -> None:
    rewrite(stored, lambda state: state.update(more=torch.zeros(1)))
    assert "1 extra (more)" in refused(stored)


def test_a_tensor_of_another_shape_is_named(stored: Path) -> None:
    rewrite(stored, lambda state: state.update({NAME: state[NAME][:8].clone()}))
    assert f"1 of other shape ({NAME})" in refused(stored)


def test_more_stages_in_the_metadata_than_tensors_are_refused(stored: Path) -> None:
    rewrite(stored, stages=3)
    assert "missing (blocks.2." in refused(stored)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(stored: Path, value: float) -> None:
    rewrite(stored, lambda state: state[NAME].view(-1)[3].fill_(value))
    message = refused(stored)
    assert NAME in message
    assert "not finite" in message


@torch.no_grad()
def test_published_nets_are_stored_without_loss(make_sdabn: MakeNet, tmp_path: Path) -> None:
    net, path = make_sdabn(2), tmp_path / "sdabn.safetensors"
    save_weights(net, path, Metadata("tiny-sdabn", 2, "camvid"))
    picture, noise = torch.rand(1, 3, 64, 64), torch.zeros(1, 2)
    for old, new in zip(net(picture, noise), load_weights(path)[0](picture, noise), strict=True):
        assert torch.equal(old.logits, new.logits)
        assert torch.equal(old.estimate, new.estimate)


def test_step_counters_are_not_stored(make_sdabn: MakeNet, tmp_path: Path) -> None:
    save_weights(make_sdabn(1), tmp_path / "w.st", Metadata("tiny-sdabn", 1, "camvid"))
    state = load_file(tmp_path / "w.st")
    assert {value.dtype for value in state.values()} == {torch.float32}
    assert any(name.endswith("running_var") for name in state)
    assert not any(name.endswith("num_batches_tracked") for name in state)


def test_weights_run_under_another_preset_of_the_same_shapes(
    stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ablation = replace(TINY, alternation=preset("rt-separate").alternation)
    monkeypatch.setitem(PRESETS, "tiny-separate", ablation)
    net, metadata = load_weights(stored, stages=1, preset="tiny-separate")
    assert net.config == ablation
    assert metadata.preset == "tiny-separate"
    assert torch.equal(net.state_dict()[NAME], load_weights(stored, stages=1)[0].state_dict()[NAME])


@pytest.mark.parametrize("name", ["rt-separate", "tiny-sdabn", "huge"])
def test_a_preset_that_does_not_fit_is_refused(stored: Path, name: str) -> None:
    with pytest.raises(UsageError, match=name):
        load_weights(stored, preset=name)


def test_weights_for_another_number_of_classes_are_refused(stored: Path) -> None:
    rewrite(stored, classes="cityscapes")
    assert "of other shape (blocks.0.denoiser.steer.embed.weight" in refused(stored)
