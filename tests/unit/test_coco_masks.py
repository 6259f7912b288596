"""Segmentations of strangers: what is a mask is decoded as pycocotools does it, what is none is refused before."""

from __future__ import annotations

import contextlib
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from annotator.errors import BadLabels
from annotator.imagery.coco_masks import decoded, encoded

SIZE = [256, 256]


def masks() -> st.SearchStrategy[np.ndarray]:
    """From single pixels and chessboards to large pieces."""

    def drawn(seed: int, cell_px: int, share: float) -> np.ndarray:
        cells = np.random.default_rng(seed).random((256 // cell_px, 256 // cell_px)) < share
        return cells.repeat(cell_px, 0).repeat(cell_px, 1)

    return st.builds(
        drawn, st.integers(0, 99), st.sampled_from([1, 2, 16, 128]), st.sampled_from([0, 0.01, 0.5, 0.99, 1])
    )


@settings(max_examples=25, deadline=None)
@given(masks())
def test_run_lengths_of_any_mask_come_back(mask: np.ndarray) -> None:
    packed = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    assert np.array_equal(decoded(encoded({"size": SIZE, "counts": packed["counts"].decode()})), mask)
    changes = np.flatnonzero(np.diff(mask.ravel(order="F").astype(int), prepend=0))
    runs = np.diff([0, *changes, 65536]).tolist()
    assert np.array_equal(decoded(encoded({"size": SIZE, "counts": runs})), mask)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec="ascii"), max_size=40))
def test_no_text_is_more_than_a_mask_or_a_refusal(text: str) -> None:
    with contextlib.suppress(BadLabels):
        assert decoded(encoded({"size": SIZE, "counts": text})).shape == (256, 256)


def test_polygons_that_end_at_the_edge_or_are_rounded_beyond_it_are_masks() -> None:
    assert decoded(encoded([[0, 0, 256, 0, 256, 256, 0, 256]])).all()
    assert decoded(encoded([[-0.5, -0.5, 256.5, 0, 256.5, 256.5, 0, 256]])).all()
    two = decoded(encoded([[0, 0, 9, 0, 9, 9, 0, 9], [100, 100, 120, 100, 120, 120]]))
    assert two[:9, :9].all()
    assert two[102, 110]
    assert not two[50, 50]


@pytest.mark.parametrize(
    ("segmentation", "words"),
    [
        ([[0, 0, 4e8, 0, 4e8, 1]], "out of its image"),
        ([[0, 0, -9, 0, 9, 9]], "out of its image"),
        ([[0, 0, float("nan"), 0, 9, 9]], "out of its image"),
        ([[0, 0, 9, 9]], "three corners"),
        ([[0, 0, 9, 0, 9]], "three corners"),
        ([[0, 0, 9, 0, 9, 9, 5]], "three corners"),
        ([0, 0, 9, 0, 9, 9], "three corners"),
        ([[10**400, 0, 9, 0, 9, 9]], "too large"),
        ([[0, 0] * 2 + [256, 256, 0, 0] * 2000], "outlines of"),
        ([["a", 0, 9, 0, 9, 9]], "could not convert"),
        ({"size": [512, 512], "counts": "0"}, "another size"),
        ({"size": SIZE, "counts": [1, 2]}, "do not fill"),
        ({"size": SIZE, "counts": [-5, 65541]}, "do not fill"),
        ({"size": SIZE, "counts": [2.5, 65533.5]}, "do not fill"),
        ({"size": SIZE, "counts": [10**400]}, "do not fill"),
        ({"size": SIZE, "counts": ""}, "no run lengths"),
        ({"size": SIZE, "counts": "0P"}, "breaks off"),
        ({"size": SIZE, "counts": "ooooooo0"}, "beyond the image"),
        ({"size": SIZE, "counts": "é"}, "ascii"),
        ({"size": SIZE, "counts": 5}, "encode"),
        ({"counts": "0"}, "size"),
        (5, "subscriptable"),
    ],
)
def test_what_is_no_mask_is_refused_before_it_takes_memory(segmentation: Any, words: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(BadLabels, match=words):
            encoded(segmentation)
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()
