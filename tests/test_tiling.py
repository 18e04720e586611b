from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rtsdb.errors import UsageError
from rtsdb.tiling import MULTIPLE, TilePlan, gather, parse_tile, plan_tiles, stitch


@st.composite
def plans(draw: st.DrawFn, most: int = 2000) -> TilePlan:
    height, width = draw(st.integers(64, most)), draw(st.integers(64, most))
    tile = st.tuples(*[st.integers(1, 12).map(lambda n: n * MULTIPLE)] * 2)
    halo = draw(st.integers(0, 5)) * MULTIPLE
    return plan_tiles(height, width, draw(st.none() | tile), halo=halo)


def axes(plan: TilePlan) -> list[tuple[int, int, tuple]]:
    """Length, tile size and spans along rows, then along columns."""
    return [
        (plan.height, plan.tile_height, plan.rows),
        (plan.width, plan.tile_width, plan.columns),
    ]


def padded(length: int) -> int:
    return -(-length // MULTIPLE) * MULTIPLE


def random_frame(plan: TilePlan) -> NDArray[np.uint8]:
    shape = (plan.height, plan.width, 3)
    return np.random.default_rng(plan.height).integers(0, 256, shape, dtype=np.uint8)


def reflected(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The frame extended to multiples of 32, as OpenCV does it."""
    height, width = frame.shape[:2]
    below, right = padded(height) - height, padded(width) - width
    return cv2.copyMakeBorder(frame, 0, below, 0, right, cv2.BORDER_REFLECT_101)


def cut(plan: TilePlan, frame: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    shape = (plan.tile_height, plan.tile_width, 3)
    tiles = [np.full(shape, 99, np.uint8) for _ in range(plan.count)]
    gather(plan, frame, tiles)
    return tiles


@given(plans())
def test_kept_parts_cover_every_pixel_once(plan: TilePlan) -> None:
    for length, _, spans in axes(plan):
        assert [span.keep for span in spans] == [0, *(span.stop for span in spans[:-1])]
        assert spans[-1].stop == length
        assert all(span.keep < span.stop for span in spans)
    assert plan.count == len(list(plan.spans())) == len(plan.rows) * len(plan.columns)


@given(plans())
def test_tiles_lie_inside_the_extended_frame_on_multiples_of_32(plan: TilePlan) -> None:
    for length, size, spans in axes(plan):
        assert size % MULTIPLE == 0
        for span in spans:
            assert span.start % MULTIPLE == 0
            assert span.start >= 0
            assert span.start + size <= padded(length)


@given(plans())
def test_every_kept_pixel_has_its_halo_or_the_edge(plan: TilePlan) -> None:
    for length, size, spans in axes(plan):
        for span in spans:
            assert span.start == 0 or span.keep - span.start >= plan.halo
            end = span.start + size
            assert end == padded(length) or end - span.stop >= plan.halo


@given(
    st.integers(64, 2000),
    st.integers(64, 2000),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(0, 5),
)
def test_kept_parts_are_no_larger_than_asked_for(
    height: int, width: int, rows: int, columns: int, halo: int
) -> None:
    tile = (columns * MULTIPLE, rows * MULTIPLE)
    plan = plan_tiles(height, width, tile, halo=halo * MULTIPLE)
    assert max(span.stop - span.keep for span in plan.columns) <= tile[0]
    assert max(span.stop - span.keep for span in plan.rows) <= tile[1]


@settings(max_examples=40)
@given(plans(most=300))
def test_tiles_are_windows_of_the_reflected_frame(plan: TilePlan) -> None:
    frame = random_frame(plan)
    whole = reflected(frame)
    for (row, column), tile in zip(plan.spans(), cut(plan, frame), strict=True):
        rows = slice(row.start, row.start + plan.tile_height)
        columns = slice(column.start, column.start + plan.tile_width)
        assert np.array_equal(tile, whole[rows, columns])


def test_a_tile_with_a_single_row_of_the_frame_is_reflected_from_the_frame() -> None:
    plan = plan_tiles(65, 65, (32, 32), halo=0)
    frame = random_frame(plan)
    assert np.array_equal(cut(plan, frame)[-1], reflected(frame)[64:, 64:])


@settings(max_examples=40)
@given(plans(most=300))
def test_stitching_what_was_gathered_gives_the_frame(plan: TilePlan) -> None:
    frame = random_frame(plan)
    result = np.full_like(frame, 7)
    stitch(plan, cut(plan, frame), result)
    assert np.array_equal(result, frame)


@settings(max_examples=30)
@given(plans(most=300), st.integers(0, 40))
def test_what_looks_no_further_than_the_halo_gives_the_same_in_tiles(
    plan: TilePlan, radius: int
) -> None:
    """Box sums of whole numbers, zeros outside: exact, so equal means equal."""
    reach = min(radius, plan.halo)

    def filtered(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        floats, size = picture.astype(np.float32), (2 * reach + 1, 2 * reach + 1)
        return cv2.boxFilter(floats, -1, size, normalize=False, borderType=cv2.BORDER_CONSTANT)

    frame = random_frame(plan)
    result = np.zeros(frame.shape, np.float32)
    stitch(plan, [filtered(tile) for tile in cut(plan, frame)], result)
    assert np.array_equal(result, filtered(reflected(frame))[: plan.height, : plan.width])


def test_what_looks_further_than_the_halo_shows_at_the_seams() -> None:
    plan = plan_tiles(128, 256, (128, 128), halo=32)
    frame = random_frame(plan)
    result = np.zeros_like(frame)
    stitch(plan, [np.roll(tile, 33, axis=1) for tile in cut(plan, frame)], result)
    inner = slice(33, -33)
    assert not np.array_equal(result[:, inner], np.roll(frame, 33, axis=1)[:, inner])


def test_a_frame_of_whole_multiples_is_its_own_tile() -> None:
    assert plan_tiles(96, 128).identity
    assert not plan_tiles(96, 100).identity
    assert plan_tiles(96, 100).count == 1
    assert not plan_tiles(128, 256, (128, 128), halo=32).identity


@pytest.mark.parametrize("size", [(63, 64), (64, 63), (1, 1), (0, 100)])
def test_frames_under_64_pixels_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match=r"64"):
        plan_tiles(*size)


@pytest.mark.parametrize("halo", [-32, 1, 100])
def test_halos_that_are_no_multiple_of_32_are_refused(halo: int) -> None:
    with pytest.raises(UsageError, match=f"--halo {halo}"):
        plan_tiles(256, 256, halo=halo)


@pytest.mark.parametrize("tile", [(0, 64), (64, 0), (-32, 64), (100, 64), (64, 100)])
def test_tiles_that_are_no_multiple_of_32_are_refused(tile: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match=f"--tile {tile[0]}x{tile[1]}"):
        plan_tiles(256, 256, tile)


@pytest.mark.parametrize(("text", "tile"), [("none", None), ("1024x512", (1024, 512))])
def test_tile_option_is_read(text: str, tile: tuple[int, int] | None) -> None:
    assert parse_tile(text) == tile


@pytest.mark.parametrize("text", ["", "64", "64x", "axb", "64x64x64", "-64x64", "None"])
def test_tile_options_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="WIDTHxHEIGHT"):
        parse_tile(text)


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        (plan_tiles(96, 128), "whole frame, 128x96"),
        (plan_tiles(1024, 2048, (1024, 512), halo=96), "4 tiles of 1120x608, halo 96"),
    ],
)
def test_plan_in_one_line(plan: TilePlan, line: str) -> None:
    assert str(plan) == line
