from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from rtsdb.data.scenes import Scene
from rtsdb.errors import RtsdbError
from rtsdb.quantization.accuracy import Accuracy, Bars
from rtsdb.quantization.frames import Sample
from rtsdb.quantization.layers import convolution_weights, find_activations, load_graph
from rtsdb.quantization.openvino_check import OpenVinoNetwork, check_in_openvino
from rtsdb.quantization.plan import full_plan
from rtsdb.quantization.progress import Progress
from rtsdb.quantization.qdq import with_qdq
from rtsdb.quantization.session import Session

SIZE = (64, 96)
LEVEL = np.array([0, 625], np.float32)


def check(graph: Path, largest: float, bars: Bars) -> dict[str, dict[str, Accuracy]]:
    """Check an INT8 form with this range of all tensors on a frame that the float one restores."""
    floating = load_graph(graph)
    found = find_activations(floating)
    ranges = dict.fromkeys((activation.tensor for activation in found), largest)
    plan = full_plan(found, convolution_weights(floating, found), ranges)
    noisy = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    denoised, labels = OpenVinoNetwork(floating, *SIZE).run(noisy[None], LEVEL[None])
    sample = Sample(noisy, "awgn:25", LEVEL, Scene("s", denoised[0], labels[0]))
    return check_in_openvino(
        {"fp32": floating, "int8-fp32": with_qdq(floating, plan)},
        [sample],
        classes=11,
        bars=bars,
        progress=Progress(lambda *step: None),
        costliest=lambda excess: ["/Conv_3", f"/Conv_{excess.measure}"],
    )


def test_the_float_network_is_that_of_onnx_runtime(graph: Path) -> None:
    model = load_graph(graph)
    frames = np.random.default_rng(0).integers(0, 256, (1, *SIZE, 3), np.uint8)
    ours, our_labels = OpenVinoNetwork(model, *SIZE).run(frames, LEVEL[None])
    theirs, their_labels = Session(model).run(frames, LEVEL[None])
    assert np.abs(ours.astype(int) - theirs).max() <= 1
    assert np.mean(our_labels == their_labels) > 0.99


def test_what_keeps_to_the_bars_is_measured(graph: Path) -> None:
    accuracy = check(graph, 4.0, Bars(psnr=48.0, miou=100.0))
    assert accuracy["fp32"]["awgn:25"] == Accuracy(48.0, 100.0)
    assert accuracy["int8-fp32"]["awgn:25"].psnr <= 48.0


def test_what_loses_too_much_is_refused(graph: Path) -> None:
    line = r"^in OpenVINO, INT8 loses [\d.]+ dB of PSNR at awgn:25, [^\n]*nothing written. The "
    line += r"costliest are /Conv_3, /Conv_psnr$"
    with pytest.raises(RtsdbError, match=line) as caught:
        check(graph, 1e-3, Bars(psnr=1.0, miou=100.0))
    assert caught.value.exit_code == 1


def test_without_openvino_nothing_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    found = check_in_openvino(
        {},
        [],
        classes=11,
        bars=Bars(0.0, 0.0),
        progress=Progress(lambda *step: None),
        costliest=lambda excess: [],
    )
    assert found == {}
