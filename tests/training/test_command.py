from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rtsdb.errors import UsageError
from rtsdb.models.checkpoint import load_weights
from rtsdb.training.command import TrainRequest, run_training
from rtsdb.training.loop import LOG, STATE


@pytest.fixture
def wanted(camvid: Path, tmp_path: Path) -> TrainRequest:
    return TrainRequest(
        dataset="camvid",
        root=camvid,
        output=tmp_path / "run",
        preset="rt",
        stages=1,
        steps=3,
        batch=1,
        crop=64,
        window=64,
        parts="all",
        segmenters=None,
        lr=1e-3,
        seed=0,
        start=None,
        street=0,
        threads=1,
        resume=False,
    )


def test_training_ends_with_validated_weights(wanted: TrainRequest) -> None:
    shown: list[tuple[int, str]] = []
    said: list[str] = []
    finished = run_training(wanted, lambda *args: shown.append(args), said.append)
    assert not finished.interrupted
    assert [step for step, _ in shown] == [1, 2, 3]
    assert all("PSNR" in text and "CE" in text for _, text in shown)
    net, metadata = load_weights(finished.weights)
    assert net.stages == 1
    assert (metadata.preset, metadata.classes, metadata.steps) == ("rt", "camvid", 3)
    assert metadata.data == "camvid/train (2 frames)"
    assert set(metadata.metrics) == {
        f"K1/awgn{sigma}/{what}" for sigma in (25, 50) for what in ("psnr", "miou")
    }
    assert 0 < metadata.metrics["K1/awgn25/psnr"] < 60
    assert 0 <= metadata.metrics["K1/awgn25/miou"] <= 100
    assert any("K1/awgn50/miou" in line for line in said)


def test_ctrl_c_saves_a_run_that_can_go_on(wanted: TrainRequest) -> None:
    def interrupt(step: int, _: str) -> None:
        if step == 2:
            raise KeyboardInterrupt

    finished = run_training(wanted, interrupt, lambda _: None)
    assert finished.interrupted
    assert load_weights(finished.weights)[1].steps == 2
    assert torch.load(wanted.output / STATE, weights_only=True)["step"] == 2
    shown: list[int] = []
    again = replace(wanted, resume=True)
    finished = run_training(again, lambda step, _: shown.append(step), lambda _: None)
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


def test_an_unknown_data_set_is_refused(wanted: TrainRequest) -> None:
    assert "--dataset cityscapes" in refused(replace(wanted, dataset="cityscapes"))


def test_crops_that_are_no_multiple_of_32_are_refused(wanted: TrainRequest) -> None:
    assert "--crop 100" in refused(replace(wanted, crop=100))


def test_windows_that_are_no_multiple_of_8_are_refused(wanted: TrainRequest) -> None:
    assert "--window 60" in refused(replace(wanted, window=60))
