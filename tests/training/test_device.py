from __future__ import annotations

import pytest
import torch

from rtsdb.errors import UsageError
from rtsdb.training.device import pick_device


@pytest.mark.parametrize(
    ("name", "seen", "wanted"),
    [
        ("auto", False, "cpu"),
        ("auto", True, "cuda"),
        ("cpu", True, "cpu"),
        ("cuda", True, "cuda"),
    ],
)
def test_auto_takes_a_gpu_where_torch_sees_one(
    monkeypatch: pytest.MonkeyPatch, name: str, seen: bool, wanted: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: seen)
    assert pick_device(name).type == wanted


def test_a_gpu_that_torch_does_not_see_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="--device cuda: torch sees no GPU"):
        pick_device("cuda")


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(UsageError, match="--device tpu: choose one of: auto, cpu, cuda"):
        pick_device("tpu")
