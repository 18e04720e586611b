from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtsdb.errors import UsageError
from rtsdb.onnx_file import INT8_FORMS, SUFFIXES, base_name, digest, graph_in, has_graph
from rtsdb.weights import FOLDER

SHIPPED = FOLDER / "rt-k1.onnx"


@given(st.from_regex(r"[a-z0-9.-]{1,20}", fullmatch=True), st.sampled_from(list(SUFFIXES)))
def test_every_form_of_a_model_has_the_same_base_name(name: str, precision: str) -> None:
    ending = SUFFIXES[precision]
    if not any((name + ".onnx").endswith(other) for other in SUFFIXES.values() if other != ".onnx"):
        assert base_name(Path("folder") / (name + ending)) == name


@pytest.mark.parametrize("given_form", ["rt-k2.onnx", "rt-k2.fp16.onnx", "rt-k2.int8.onnx"])
def test_any_form_leads_to_the_others(given_form: str) -> None:
    assert graph_in(FOLDER / given_form, "fp16") == FOLDER / "rt-k2.fp16.onnx"
    assert graph_in(FOLDER / given_form, "fp32") == FOLDER / "rt-k2.onnx"


@pytest.mark.parametrize(
    ("precision", "command"),
    [("fp16", "rtsdb export --precision fp16"), ("int8", "calibrate"), ("int8-fp32", "calibrate")],
)
def test_a_form_that_is_absent_is_named_with_the_way_to_make_it(
    tmp_path: Path, precision: str, command: str
) -> None:
    assert not has_graph(tmp_path / "a.onnx", precision)
    with pytest.raises(UsageError, match=command) as caught:
        graph_in(tmp_path / "a.onnx", precision)
    assert str(tmp_path / f"a.{precision}.onnx") in str(caught.value)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A model in all its forms, with the weights that they refer to."""
    for name in (*(f"rt-k1{ending}" for ending in SUFFIXES.values()), "rt.safetensors"):
        shutil.copy(FOLDER / name, tmp_path / name)
    return tmp_path / SHIPPED.name


def change_the_last_weight(graph: Path) -> None:
    weights = graph.with_name("rt.safetensors")
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.parametrize("floating", INT8_FORMS)
def test_int8_steps_serve_no_other_weights(copy: Path, floating: str) -> None:
    int8 = INT8_FORMS[floating]
    assert graph_in(copy, int8).is_file()
    change_the_last_weight(copy)
    with pytest.raises(UsageError, match=r"was not made from rt-k1\..*rtsdb calibrate") as caught:
        graph_in(copy, int8)
    assert str(copy.with_name(f"rt-k1{SUFFIXES[int8]}")) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert graph_in(copy, floating).is_file()


@pytest.mark.parametrize("floating", INT8_FORMS)
def test_int8_steps_serve_no_other_graph(copy: Path, floating: str) -> None:
    shutil.copy(FOLDER / f"rt-k2{SUFFIXES[floating]}", graph_in(copy, floating))
    with pytest.raises(UsageError, match="was not made from"):
        graph_in(copy, INT8_FORMS[floating])


def test_an_int8_graph_whose_weights_are_in_another_s_file_needs_that_one(copy: Path) -> None:
    copy.unlink()
    with pytest.raises(UsageError, match=r"shares the weights of rt-k1\.onnx, which is missing"):
        graph_in(copy, "int8-fp32")


@pytest.mark.parametrize("there", [True, False])
def test_part_of_an_int8_graph_is_told_apart(copy: Path, there: bool) -> None:
    int8 = copy.with_name("rt-k1.int8-fp32.onnx")
    int8.write_bytes(int8.read_bytes()[:-1])
    if not there:
        copy.unlink()
    with pytest.raises(UsageError, match="not an ONNX file, or not all of one"):
        graph_in(copy, "int8-fp32")


def test_a_digest_is_that_of_the_contents(copy: Path, tmp_path: Path) -> None:
    assert digest(copy) == digest(SHIPPED)
    assert len(digest(copy)) == 64
    other = digest(FOLDER / "rt-k2.onnx")
    assert other != digest(copy)


def test_a_digest_covers_the_weights_in_another_file(copy: Path) -> None:
    before = digest(copy)
    change_the_last_weight(copy)
    assert digest(copy) != before


def test_weights_that_are_absent_are_named(copy: Path) -> None:
    copy.with_name("rt.safetensors").unlink()
    with pytest.raises(UsageError, match=r"rt-k1\.onnx: refers to rt\.safetensors"):
        digest(copy)


def test_part_of_an_onnx_file_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "part.onnx"
    content = SHIPPED.read_bytes()
    for size in (1, 1000, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(UsageError, match=r"part\.onnx: not an ONNX file, or not all of one"):
            digest(path)


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_hashed_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.onnx"
    path.write_bytes(content)
    with suppress(UsageError):
        assert len(digest(path)) == 64
