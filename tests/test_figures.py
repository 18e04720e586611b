from __future__ import annotations

from pathlib import Path

import cv2
from matplotlib.figure import Figure

from rtsdb.figures import save_figure


def draw() -> Figure:
    figure = Figure(figsize=(2, 1))
    figure.subplots().bar([0, 1], [1, 2], hatch="//")
    return figure


def test_a_figure_is_written_whole_and_nothing_else(tmp_path: Path) -> None:
    save_figure(draw(), tmp_path / "f.png")
    picture = cv2.imread(str(tmp_path / "f.png"))
    assert picture is not None
    assert picture.shape == (100, 200, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["f.png"]


def test_the_same_figure_gives_the_same_file(tmp_path: Path) -> None:
    for kind in ("png", "svg"):
        contents = []
        for _ in range(2):
            save_figure(draw(), tmp_path / f"f.{kind}")
            contents.append((tmp_path / f"f.{kind}").read_bytes())
        assert contents[0] == contents[1]
