from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from rtsdb.bench.model import Quality, Setup
from rtsdb.bench.quality import NOISE, RESULTS, quality_of


def setup(precision: str, stages: int = 1, engine: str = "openvino") -> Setup:
    return Setup(engine, precision, stages, (640, 360))


def known(of: Setup) -> Quality:
    found = quality_of(of)
    assert found is not None
    return found


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_the_shipped_results_are_of_the_shipped_networks(stages: int) -> None:
    found = known(setup("fp32", stages))
    assert found.noise == NOISE
    assert 20 < found.psnr < 50
    assert 0 < found.miou < 100


@pytest.mark.parametrize("precision", ["int8", "fp16"])
@pytest.mark.parametrize("engine", ["openvino", "tensorrt"])
def test_a_precision_changes_them_as_its_manifest_says(precision: str, engine: str) -> None:
    manifest = RESULTS.with_name("rt-k2.int8.json")
    accuracy = json.loads(manifest.read_text())["accuracy"]
    form = "int8-fp32" if (precision, engine) == ("int8", "openvino") else precision
    loss = accuracy["fp32"][NOISE]["psnr"] - accuracy[form][NOISE]["psnr"]
    whole, found = known(setup("fp32", 2)), known(setup(precision, 2, engine))
    assert whole.psnr - found.psnr == pytest.approx(loss)
    assert loss != 0


def test_bfloat16_counts_as_float32() -> None:
    assert quality_of(setup("bf16")) == quality_of(setup("fp32"))


def test_results_of_other_weights_count_for_nothing(tmp_path: Path) -> None:
    facts = json.loads(RESULTS.read_text())
    facts["settings"]["trained"]["sha256"] = hashlib.sha256(b"others").hexdigest()
    other = tmp_path / "quality.json"
    other.write_text(json.dumps(facts))
    assert quality_of(setup("fp32"), results=other) is None


def test_without_results_nothing_is_known(tmp_path: Path) -> None:
    assert quality_of(setup("fp32"), results=tmp_path / "absent.json") is None
    facts = json.loads(RESULTS.read_text())
    facts["scores"] = [score for score in facts["scores"] if score["noise"] == "clean"]
    clean = tmp_path / "clean.json"
    clean.write_text(json.dumps(facts))
    assert quality_of(setup("fp32"), results=clean) is None


def test_nothing_is_known_of_a_user_s_own_model(tmp_path: Path) -> None:
    own = tmp_path / "own.safetensors"
    own.write_bytes((RESULTS.parent / "rt.safetensors").read_bytes())
    assert quality_of(setup("fp32", engine="torch"), str(own)) is None
