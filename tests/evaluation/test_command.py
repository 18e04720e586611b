from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.evaluation.command import EvalRequest, run_evaluation
from rtsdb.evaluation.report import Report, as_json


def run(request: EvalRequest) -> tuple[Report, int, list[str]]:
    """Evaluate; the report, the frames announced, and what was shown after each."""
    totals: list[int] = []
    shown: list[str] = []
    report, write = run_evaluation(request, totals.append, shown.append)
    write()
    assert len(totals) == 1
    return report, totals[0], shown


def digits(report: Report) -> list[dict[str, object]]:
    """All scores but for the times."""
    scores = as_json(report)["scores"]
    assert isinstance(scores, list)
    return [{k: v for k, v in score.items() if k != "ms"} for score in scores]


def test_a_network_its_peers_and_the_input_are_judged_together(wanted: EvalRequest) -> None:
    request = replace(wanted, peers="ffmpeg-bm3d", noise="awgn:25, lowlight:8x")
    report, total, shown = run(request)
    assert total == len(shown) == 3 * (3 + 2 + 2)
    rows = [(score.noise, score.subject, score.stages) for score in report.scores]
    assert rows == [
        ("clean", "camvid", 1),
        ("clean", "camvid", 2),
        *(
            (noise, *subject)
            for noise in ("awgn:25", "lowlight:8x")
            for subject in (
                ("input", None),
                ("camvid", 1),
                ("camvid", 2),
                ("ffmpeg-bm3d", None),
            )
        ),
    ]
    assert all(score.frames == 3 for score in report.scores)
    by_subject = {score.subject: score.psnr for score in report.scores if score.noise == "awgn:25"}
    assert by_subject["ffmpeg-bm3d"] > by_subject["input"] + 3
    assert "3 frames of camvid val" in report.conditions
    assert "nothing" in report.conditions


def test_two_runs_give_the_same_digits(wanted: EvalRequest) -> None:
    request = replace(wanted, peers="nlm", sigma="auto")
    assert digits(run(request)[0]) == digits(run(request)[0])


def test_shipped_weights_in_an_engine(wanted: EvalRequest) -> None:
    request = replace(wanted, model="rt", engine="openvino", precision="fp32", stages="1,2")
    in_engine, _, _ = run(request)
    assert in_engine.verdict.about["rt"].startswith("openvino fp32")
    in_torch, _, _ = run(replace(request, engine="torch", precision="auto"))
    for one, other in zip(in_engine.scores, in_torch.scores, strict=True):
        assert (one.noise, one.stages) == (other.noise, other.stages)
        assert one.psnr == pytest.approx(other.psnr, abs=0.01)
        if one.stages is not None:
            assert one.miou == pytest.approx(other.miou, abs=1)
            assert one.psnr > 25


def test_the_float_convention(wanted: EvalRequest) -> None:
    report, _, _ = run(replace(wanted, convention="float", noise="awgn:50", peers="nlm"))
    noisy = next(score for score in report.scores if score.subject == "input")
    assert noisy.psnr == pytest.approx(20 * np.log10(255 / 50), abs=0.1)
    assert report.missing == {"nlm": "takes 8-bit frames only"}
    assert "neither rounded nor clipped" in report.conditions


def test_an_ablation_runs_the_same_weights_otherwise(wanted: EvalRequest) -> None:
    plain, _, _ = run(wanted)
    steered, _, _ = run(replace(wanted, preset="tiny-truth"))
    assert {score.subject for score in steered.scores} == {"tiny-truth", "input"}
    one, other = (
        [score["psnr"] for score in digits(report) if score["noise"] == "awgn:25"]
        for report in (plain, steered)
    )
    assert one != other
    assert steered.settings["preset"] == "tiny-truth"


def test_a_limit_spreads_the_frames(wanted: EvalRequest) -> None:
    report, total, _ = run(replace(wanted, limit=2, stages="2"))
    assert total == 2 * (2 + 1)
    assert {score.frames for score in report.scores} == {2}


@pytest.mark.usefixtures("flat_streets")
def test_everything_is_written(wanted: EvalRequest, tmp_path: Path) -> None:
    request = replace(wanted, output=tmp_path / "quality", figure=tmp_path / "quality.png")
    report, _, _ = run(request)
    facts = json.loads((tmp_path / "quality.json").read_text())
    assert facts["scores"] == as_json(report)["scores"]
    assert facts["command"] == "rtsdb eval --some options"
    sha256 = hashlib.sha256(Path(wanted.model).read_bytes()).hexdigest()
    assert facts["settings"]["trained"] == {"data": "nothing", "steps": 0, "sha256": sha256}
    assert f"({sha256[:8]}) after 0 steps on nothing;" in (tmp_path / "quality.md").read_text()
    assert "| awgn:25 | camvid | 2 |" in (tmp_path / "quality.md").read_text()
    assert cv2.imread(str(tmp_path / "quality.png")) is not None


def test_what_cannot_be_written_was_measured(wanted: EvalRequest, tmp_path: Path) -> None:
    output = tmp_path / "folder" / "quality"
    output.parent.mkdir()
    report, write = run_evaluation(replace(wanted, output=output), lambda _: None, lambda _: None)
    output.parent.rmdir()
    with pytest.raises(RtsdbError, match=r"quality\.json: cannot be written: No such file"):
        write()
    assert report.scores


def test_ctrl_c_writes_what_there_is_but_no_figure(wanted: EvalRequest, tmp_path: Path) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    request = replace(wanted, output=tmp_path / "quality", figure=tmp_path / "quality.png")
    report, write = run_evaluation(request, lambda _: None, interrupt)
    write()
    assert report.verdict.interrupted
    assert json.loads((tmp_path / "quality.json").read_text())["partial"] is True
    assert "PARTIAL" in (tmp_path / "quality.md").read_text()
    assert not (tmp_path / "quality.png").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dataset": "kitti"}, "--dataset kitti: .*camvid"),
        ({"split": "dev"}, "--split dev: .*val, test, train"),
        ({"split": "test"}, "no test/.*in it; a CamVid root holds"),
        ({"root": Path("/nowhere")}, "/nowhere: .*CamVid root"),
        ({"engine": "warp"}, "--engine warp"),
        ({"peers": "nlm,vbm4d"}, "--peers vbm4d"),
        ({"noise": "pink:3"}, "pink"),
        ({"convention": "12bit"}, "--convention 12bit: .*8bit, float"),
        ({"convention": "float", "engine": "openvino"}, "--convention float: .*--engine torch"),
        ({"convention": "float", "sigma": "auto"}, "--sigma auto"),
        ({"convention": "float", "noise": "lowlight:8x"}, "lowlight:8x"),
        ({"sigma": "25"}, "--sigma 25: .*known, auto"),
        ({"preset": "rt-truth", "engine": "openvino"}, "--preset rt-truth: .*--engine torch"),
        ({"preset": "rt-none"}, "rt-none"),
        ({"precision": "int8"}, "--precision int8: the torch engine has auto, fp32"),
        ({"stages": "3"}, "--stages 3: .*K = 1, 2"),
        ({"stages": "0"}, "--stages 0"),
        ({"stages": "all"}, "--stages all"),
        ({"model": "absent.safetensors"}, "absent.safetensors: no such file"),
        ({"output": Path("/nowhere/quality")}, "--output /nowhere/quality.json"),
        ({"figure": Path("/nowhere/quality.png")}, "--figure /nowhere/quality.png"),
        ({"figure": Path("quality.gif")}, "--figure quality.gif"),
    ],
)
def test_bad_requests_are_named(
    wanted: EvalRequest, change: dict[str, object], message: str
) -> None:
    refused(replace(wanted, **change), message)


def refused(request: EvalRequest, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        run(request)
    assert "\n" not in str(caught.value)


def test_a_model_of_other_classes_is_refused_with_both(
    wanted: EvalRequest, make_weights: Callable[..., Path]
) -> None:
    request = replace(wanted, model=str(make_weights("cityscapes")))
    refused(request, "cityscapes.safetensors tells the 19 .*cityscapes apart.*camvid has 11")


def test_weights_that_are_not_finite_are_refused(
    wanted: EvalRequest, make_weights: Callable[..., Path]
) -> None:
    refused(replace(wanted, model=str(make_weights(spoil=True))), "not finite")


def test_labels_out_of_range_are_refused(wanted: EvalRequest) -> None:
    path = wanted.root / "valannot" / "scene-1.png"
    cv2.imwrite(str(path), np.full((70, 96), 37, np.uint8))
    refused(wanted, "scene-1.png: labels with ids out of range: 37")


def test_labels_of_another_size_are_refused(wanted: EvalRequest) -> None:
    path = wanted.root / "valannot" / "scene-1.png"
    cv2.imwrite(str(path), np.zeros((70, 95), np.uint8))
    refused(wanted, "scene-1.png: labels are 95x70, the frame is 96x70")


def test_some_sequences_and_larger_frames_are_named_in_the_report(wanted: EvalRequest) -> None:
    report, total, _ = run(replace(wanted, sequences=("scene-1",), enlarge=2, noise="awgn:25"))
    plain, _, _ = run(replace(wanted, sequences=("scene-1",), noise="awgn:25"))
    assert total == 2 + 1
    assert all(score.frames == 1 for score in report.scores)
    assert "1 frames of camvid val scene-1, enlarged 2 times" in report.conditions
    assert digits(report) != digits(plain)
