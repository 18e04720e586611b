"""ONNX files as files: which one holds a precision, and a hash of all that one is made of.

TensorRT and OpenVINO read ONNX by themselves, so nothing here needs the package `onnx`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from rtsdb.errors import UsageError

SUFFIXES = {
    "fp32": ".onnx",
    "fp16": ".fp16.onnx",
    "int8": ".int8.onnx",
    "int8-fp32": ".int8-fp32.onnx",
}
"""How the name of a graph ends, by what it computes in. int8: Q/DQ with float16 scales and float16
between (opset 19); int8-fp32: the same network for what cannot read that (opset 17)."""

INT8_FORMS = {"fp32": "int8-fp32", "fp16": "int8"}
"""What a graph becomes in INT8, by the precision that it has."""

MADE_FROM = "made_from"
"""In an INT8 graph's metadata_props: the `digest` of the float graph whose steps it has."""

_GRAPH, _METADATA_PROPS, _INITIALIZER, _EXTERNAL_DATA = 7, 14, 5, 13  # fields in onnx.proto
_KEY, _VALUE = 1, 2


def base_name(onnx: Path) -> str:
    """Name of a model's ONNX file without what tells the precision.

    >>> base_name(Path("mine.fp16.onnx")), base_name(Path("mine.onnx"))
    ('mine', 'mine')
    """
    endings = sorted(SUFFIXES.values(), key=len, reverse=True)
    suffix = next((end for end in endings if onnx.name.endswith(end)), onnx.suffix)
    return onnx.name.removesuffix(suffix)


def has_graph(onnx: Path, precision: str) -> bool:
    """Whether there is a file for `graph_in` to give."""
    return _beside(onnx, precision).is_file()


def graph_in(onnx: Path, precision: str) -> Path:
    """The file beside `onnx`, or `onnx` itself, that holds the same network in a precision.

    Raises UsageError, with the way to make it, when there is none, or when an INT8 graph was made
    from another float graph, or other weights, than are beside it now.
    """
    path = _beside(onnx, precision)
    if not path.is_file():
        how = "calibrate" if precision.startswith("int8") else f"export --precision {precision}"
        raise UsageError(f"{path}: no such file; make this {precision} form with 'rtsdb {how}'")
    for floating, int8 in INT8_FORMS.items():
        if precision == int8:
            _check_made_from(path, _beside(onnx, floating))
    return path


def digest(path: Path) -> str:
    """SHA-256, in hexadecimal, of an ONNX file and of every file that it refers to.

    Raises UsageError for a file that is no ONNX and for one that refers to what is not there.
    """
    content = path.read_bytes()
    hashed = hashlib.sha256(content)
    for name in _external_files(path, content):
        try:
            hashed.update((path.parent / name).read_bytes())
        except OSError as error:
            raise UsageError(f"{path}: refers to {name}, which is not beside it") from error
    return hashed.hexdigest()


def metadata_props(path: Path) -> dict[str, str]:
    """The texts by name that a model carries beside its graph.

    Raises UsageError for a file that is no ONNX.
    """
    try:
        entries = list(_messages(path.read_bytes(), _METADATA_PROPS))
        pairs = [(next(_messages(e, _KEY)), next(_messages(e, _VALUE))) for e in entries]
        return {key.decode(): value.decode() for key, value in pairs}
    except (IndexError, ValueError, StopIteration) as error:
        raise UsageError(f"{path}: not an ONNX file, or not all of one") from error


def _check_made_from(int8: Path, floating: Path) -> None:
    """Raise UsageError unless the steps of an INT8 graph are for the float graph beside it.

    Without one, there is nothing to compare, and weights are safe only inside the INT8 graph.
    """
    if floating.is_file():
        if metadata_props(int8).get(MADE_FROM) != digest(floating):
            raise UsageError(
                f"{int8}: was not made from {floating.name} and its weights as they are now; "
                "make it again with 'rtsdb calibrate'"
            )
    elif _external_files(int8, int8.read_bytes()):
        raise UsageError(
            f"{int8}: shares the weights of {floating.name}, which is missing; "
            "make both again with 'rtsdb export' and 'rtsdb calibrate'"
        )


def _beside(onnx: Path, precision: str) -> Path:
    return onnx.with_name(base_name(onnx) + SUFFIXES[precision])


def _external_files(path: Path, model: bytes) -> list[str]:
    """Names of the files in which tensors of a serialized ModelProto lie.

    Raises UsageError, naming the file at `path`, for bytes that are none.
    """
    try:
        return sorted(set(_locations(model)))
    except (IndexError, ValueError) as error:
        raise UsageError(f"{path}: not an ONNX file, or not all of one") from error


def _locations(model: bytes) -> Iterator[str]:
    for graph in _messages(model, _GRAPH):
        for tensor in _messages(graph, _INITIALIZER):
            for entry in _messages(tensor, _EXTERNAL_DATA):
                if list(_messages(entry, _KEY)) == [b"location"]:
                    yield from (value.decode() for value in _messages(entry, _VALUE))


def _messages(message: bytes, wanted: int) -> Iterator[bytes]:
    """Contents of the length-delimited fields of that number (the protobuf wire format)."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            _, at = _varint(message, at)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        elif kind == 2:
            size, at = _varint(message, at)
            if at + size > len(message):
                raise ValueError("a field ends after the message")
            if number == wanted:
                yield message[at : at + size]
            at += size
        else:
            raise ValueError(f"no field is of kind {kind}")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """The number that begins at byte `at`, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
