from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import pytest
import torch

from rtsdb.data.scenes import Scene
from rtsdb.errors import UsageError
from rtsdb.models.checkpoint import load_weights
from rtsdb.training.command import run_training
from rtsdb.training.loop import LOG, STATE
from rtsdb.training.request import TrainRequest


@pytest.fixture
def wanted(camvid: Path, tmp_path: Path) -> TrainRequest:
    return TrainRequest(
        dataset="camvid",
        root=camvid,
        sequences=(),
        output=tmp_path / "run",
        preset="rt",
        stages=1,
        steps=3,
        batch=1,
        crop="64",
        window=64,
        lr=None,
        sigma=None,
        parts="all",
        first=1,
        segmenters=None,
        seed=0,
        start=None,
        street=0,
        device="cpu",
        threads=1,
        resume=False,
    )


def test_training_ends_with_validated_weights(wanted: TrainRequest) -> None:
    shown: list[tuple[int, int, str]] = []
    said: list[str] = []
    finished = run_training(wanted, lambda *args: shown.append(args), said.append)
    assert not finished.interrupted
    assert [(step, last) for step, last, _ in shown] == [(1, 3), (2, 3), (3, 3)]
    assert all(re.fullmatch(r"PSNR \d+\.\d\d dB, CE \d\.\d\d", text) for *_, text in shown)
    net, metadata = load_weights(finished.weights)
    assert net.stages == 1
    assert (metadata.preset, metadata.classes, metadata.steps) == ("rt", "camvid", 3)
    assert metadata.data == "camvid/train (2 frames)"
    assert set(metadata.metrics) == {
        f"K1/{noise}/{what}"
        for noise in ("clean", "awgn:25", "awgn:50")
        for what in ("psnr", "miou")
    } - {"K1/clean/psnr"}, "a frame without noise comes back as it was"
    assert 0 < metadata.metrics["K1/awgn:25/psnr"] < 60
    assert 0 <= metadata.metrics["K1/awgn:25/miou"] <= 100
    assert any("K1/awgn:50/miou" in line for line in said)


def test_ctrl_c_saves_a_run_that_can_go_on(wanted: TrainRequest) -> None:
    def interrupt(step: int, *_: object) -> None:
        if step == 2:
            raise KeyboardInterrupt

    finished = run_training(wanted, interrupt, lambda _: None)
    assert finished.interrupted
    assert load_weights(finished.weights)[1].steps == 2
    assert torch.load(wanted.output / STATE, weights_only=True)["step"] == 2
    shown: list[int] = []
    again = replace(wanted, resume=True)
    finished = run_training(again, lambda step, *_: shown.append(step), lambda _: None)
    assert not finished.interrupted
    assert shown == [3]
    assert load_weights(finished.weights)[1].steps == 3
    assert len((wanted.output / LOG).read_text().splitlines()) == 3


def refused(request: TrainRequest) -> str:
    with pytest.raises(UsageError) as caught:
        run_training(request, lambda *_: None, lambda _: None)
    assert not request.output.exists()
    return str(caught.value)


def test_a_wrong_root_is_refused_with_the_layout(wanted: TrainRequest, tmp_path: Path) -> None:
    message = refused(replace(wanted, root=tmp_path / "none"))
    assert str(tmp_path / "none") in message
    assert "train/*.png" in message
    assert "annot/" in message


def test_a_root_without_val_is_refused_before_anything_is_learnt(wanted: TrainRequest) -> None:
    shutil.rmtree(wanted.root / "val")
    assert "val" in refused(wanted)


def test_a_resumed_run_needs_its_start_no_more(wanted: TrainRequest, tmp_path: Path) -> None:
    start = run_training(wanted, lambda *_: None, lambda _: None).weights
    moved = start.rename(tmp_path / "start.safetensors")
    request = replace(wanted, output=tmp_path / "second", start=str(moved))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    assert run_training(request, interrupt, lambda _: None).interrupted
    moved.unlink()
    ended = run_training(replace(request, resume=True), lambda *_: None, lambda _: None)
    assert load_weights(ended.weights)[1].steps == 6


def test_what_the_start_learnt_from_is_said_too(wanted: TrainRequest, tmp_path: Path) -> None:
    start = run_training(wanted, lambda *_: None, lambda _: None).weights
    request = replace(wanted, output=tmp_path / "second", start=str(start), street=1)
    ended = run_training(request, lambda *_: None, lambda _: None)
    both = "camvid/train (2 frames); camvid/train (2 frames), 1 drawn street frames"
    assert load_weights(ended.weights)[1].data == both


def test_an_unknown_data_set_is_refused(wanted: TrainRequest) -> None:
    assert "--dataset kitti" in refused(replace(wanted, dataset="kitti"))


def test_arguments_that_make_no_sense_are_refused_before_data_is_read(
    wanted: TrainRequest,
) -> None:
    assert "--crop 100" in refused(replace(wanted, crop="100", root=Path("none")))


@pytest.mark.parametrize("option", ["start", "segmenters"])
def test_weights_that_are_not_there_are_refused_before_data_is_read(
    wanted: TrainRequest, option: str
) -> None:
    request = replace(wanted, **{option: "gone.safetensors"}, root=Path("none"))
    assert "gone.safetensors" in refused(request)


def test_imagenet_is_no_start_for_the_published_network(wanted: TrainRequest) -> None:
    request = replace(wanted, preset="tiny-sdabn", start="imagenet", window=None)
    assert "--start imagenet: is for rt" in refused(request)


def test_the_published_network_is_trained_part_by_part_at_one_noise_level(
    wanted: TrainRequest,
) -> None:
    """Its crops are cut to the frames of 96x96; its weights are measured at its noise level."""
    shown: list[tuple[int, int, str]] = []
    said: list[str] = []
    request = replace(
        wanted, preset="tiny-sdabn", steps=1, crop=None, window=None, sigma=30.0, stages=2
    )
    finished = run_training(request, lambda *args: shown.append(args), said.append)
    assert [(step, last) for step, last, _ in shown] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [text[:7] for *_, text in shown] == ["S1: CE ", "D1: PSN", "S2: CE ", "D2: PSN"]
    assert "crops are cut to what frames of 96x96 hold" in said
    net, metadata = load_weights(finished.weights)
    assert net.stages == 2
    assert {"K1/awgn:30/psnr", "K2/awgn:30/miou"} < metadata.metrics.keys()


def test_cityscapes_is_trained_on_with_its_own_classes(
    wanted: TrainRequest, tmp_path: Path, scene: Scene
) -> None:
    root = tmp_path / "cityscapes"
    for split in ("train", "val"):
        for kind, ending, picture in (
            ("leftImg8bit", "leftImg8bit", scene.image[:96, :96]),
            ("gtFine", "gtFine_labelTrainIds", scene.labels[:96, :96]),
        ):
            folder = root / kind / split / "ulm"
            folder.mkdir(parents=True)
            assert cv2.imwrite(str(folder / f"ulm_000000_000019_{ending}.png"), picture)
    request = replace(wanted, dataset="cityscapes", root=root, preset="tiny")
    finished = run_training(request, lambda *_: None, lambda _: None)
    net, metadata = load_weights(finished.weights)
    assert net.classes == 19
    assert metadata.data == "cityscapes/train (1 frames)"
    with pytest.raises(UsageError, match="--street: drawn streets have CamVid's classes"):
        run_training(replace(request, street=2), lambda *_: None, lambda _: None)


def test_drawn_streets_can_be_mixed_in(wanted: TrainRequest) -> None:
    request = replace(wanted, preset="tiny", street=1)
    finished = run_training(request, lambda *_: None, lambda _: None)
    assert (
        load_weights(finished.weights)[1].data == "camvid/train (2 frames), 1 drawn street frames"
    )
