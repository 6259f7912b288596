"""Objects of a mask, in both forms of COCO, decode to the mask again: every pixel, whatever its neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from annotator.exports.coco import objects_of

VALUES = [0, 1, 2, 7]


@pytest.mark.parametrize("segmentation", ["rle", "polygons"])
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), cells=st.sampled_from([4, 8, 16]))
def test_objects_decode_to_their_mask(segmentation: str, seed: int, cells: int) -> None:
    rng = np.random.default_rng(seed)
    grid = rng.choice(np.array([*VALUES, 1, 1, 255], np.uint8), (cells, cells))
    mask = grid.repeat(256 // cells, 0).repeat(256 // cells, 1)
    # Single pixels, so that there are holes, and pieces that touch at their corners only.
    at = rng.integers(0, 256, (2, 12))
    mask[tuple(at)] = rng.choice(np.array(VALUES, np.uint8), 12)
    decoded = np.zeros_like(mask)
    for one in objects_of(mask, VALUES, segmentation):
        found = one["segmentation"]
        packed = (
            coco_mask.merge(coco_mask.frPyObjects(found, 256, 256))
            if isinstance(found, list)
            else {**found, "counts": found["counts"].encode()}
        )
        inside = coco_mask.decode(packed).astype(bool)
        assert inside.sum() == one["area"]
        decoded[inside] = one["category_id"]
    assert np.array_equal(decoded, mask)
