"""`rtsdb export`: a network as ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rtsdb.cli.console import print_written
from rtsdb.optional import load_package


def export(
    weights: Annotated[
        Path, typer.Option(help="A .safetensors file made by rtsdb train or import-weights.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The ONNX file to write.")],
    stages: Annotated[
        int | None, typer.Option(help="Blocks K; default: all there are.", min=1, max=3)
    ] = None,
    precision: Annotated[
        str, typer.Option(help="fp32, or fp16 (for TensorRT) inside; the contract is the same.")
    ] = "fp32",
    share: Annotated[
        bool,
        typer.Option(
            "--share", help="Refer to the tensors in the weights file beside it: no second copy."
        ),
    ] = False,
) -> None:
    """Write the network as one ONNX file that every engine runs."""
    load_package("torch", extra="train")
    from rtsdb.errors import UsageError
    from rtsdb.export import export_onnx
    from rtsdb.files import check_writable
    from rtsdb.models.checkpoint import load_weights

    if output.suffix != ".onnx":
        raise UsageError(f"--output {output}: is written as ONNX; give a name that ends in .onnx")
    check_writable(output, "--output")
    net, metadata = load_weights(weights, stages=stages)
    export_onnx(net, output, metadata, precision=precision, share=weights if share else None)
    print_written(f"{metadata.preset} K={net.stages} {precision}", output)
