from __future__ import annotations

from pathlib import Path

import pytest

from rtsdb.classes import CLASS_SETS
from rtsdb.data.datasets import DATASETS, load_dataset, parse_sequences
from rtsdb.errors import UsageError


@pytest.mark.parametrize("name", DATASETS)
def test_data_sets_are_called_as_their_class_sets(name: str) -> None:
    assert DATASETS[name].classes is CLASS_SETS[name]


@pytest.mark.parametrize(("name", "folder"), [("camvid", "annot/"), ("cityscapes", "gtFine/")])
def test_a_wrong_root_is_refused_with_the_layout_expected(
    tmp_path: Path, name: str, folder: str
) -> None:
    with pytest.raises(UsageError, match=folder) as caught:
        load_dataset(name, tmp_path, "val")
    assert str(tmp_path) in str(caught.value)


def test_an_unknown_data_set_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--dataset kitti: .* camvid, cityscapes"):
        load_dataset("kitti", tmp_path, "val")


def test_sequences_that_name_none_are_not_taken_for_all() -> None:
    with pytest.raises(UsageError, match="--sequences"):
        parse_sequences("")
    assert parse_sequences(None) == ()
