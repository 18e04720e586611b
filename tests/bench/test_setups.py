import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtsdb.bench.model import Setup
from rtsdb.bench.setups import parse_setups
from rtsdb.errors import UsageError

ONE = {
    "engine": "auto",
    "precision": "auto",
    "stages": "1",
    "size": "640x360",
    "tile": "none",
}


def test_every_option_may_be_a_list() -> None:
    setups = parse_setups(
        engine="openvino, onnxruntime",
        precision="fp32,int8",
        stages="1,3",
        size="2048x1024,1280x720",
        tile="none,512x512",
    )
    assert len(setups) == len(set(setups)) == 2**5
    assert setups[0] == Setup("openvino", "fp32", 1, (2048, 1024), None)
    assert setups[1] == Setup("onnxruntime", "fp32", 1, (2048, 1024), None)
    assert setups[-1] == Setup("onnxruntime", "int8", 3, (1280, 720), (512, 512))


@given(st.lists(st.sampled_from(["1", "2", "3"]), min_size=1))
def test_what_is_given_twice_is_measured_once(stages: list[str]) -> None:
    setups = parse_setups(**ONE | {"stages": ",".join(stages)})
    assert [setup.stages for setup in setups] == [int(text) for text in dict.fromkeys(stages)]


@pytest.mark.parametrize(
    ("option", "text", "hint"),
    [
        ("precision", "fp31", "fp32"),
        ("stages", "0", "1 to 3"),
        ("stages", "4", "1 to 3"),
        ("stages", "two", "1,2,3"),
        ("stages", "1,,2", "commas"),
        ("engine", "", "commas"),
        ("engine", "abacus", "no such engine"),
        ("size", "big", "WIDTHxHEIGHT"),
        ("size", "32x32", "64"),
        ("tile", "100x100", "multiples of 32"),
    ],
)
def test_what_no_engine_can_do_is_refused(option: str, text: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint) as refused:
        parse_setups(**ONE | {option: text})
    assert text.split(",")[0] in str(refused.value)
