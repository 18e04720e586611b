from __future__ import annotations

import pytest

from rtsdb.errors import UsageError
from rtsdb.names import split_names


def test_names_come_once_and_in_order() -> None:
    assert split_names(" b,a, b", "--engine") == ("b", "a")


@pytest.mark.parametrize("text", ["", " , ", "sm89,", "a,,b"])
def test_an_empty_part_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--target '.*': give one value, or several"):
        split_names(text, "--target")
