"""The classes of landscapes: six that most legends ask for, or nine, some of which only the surroundings tell."""

from __future__ import annotations

import numpy as np

from mlservice.contracts import Legend, LegendClass

OTHER, FIELD, BOUNDARY, TREES, WATER, BUILDINGS, RICE, FALLOW, BARE = range(9)

LANDSCAPE_LEGEND = Legend(
    (
        LegendClass(OTHER, "other", "#999999", is_null=True),
        LegendClass(FIELD, "field", "#E69F00"),
        LegendClass(BOUNDARY, "boundary", "#F0E442", is_boundary=True),
        LegendClass(TREES, "trees", "#009E73"),
        LegendClass(WATER, "water", "#0072B2"),
        LegendClass(BUILDINGS, "buildings", "#D55E00"),
    )
)
"""The classes of every landscape, in the colour-blind-safe colours of Okabe and Ito."""

DETAILED_LEGEND = Legend(
    (
        *LANDSCAPE_LEGEND.classes,
        LegendClass(RICE, "rice", "#56B4E9"),
        LegendClass(FALLOW, "fallow", "#CC79A7"),
        LegendClass(BARE, "bare", "#5D3A1A"),
    )
)
"""The six classes and three more, in the rest of those colours and a dark brown."""

CONTEXT_DECIDED = ("water", "rice", "fallow", "bare")
"""Names of the classes that look like another one of them, told apart only by a canal or a town far off."""

COARSE_VALUE = np.array([OTHER, FIELD, BOUNDARY, TREES, WATER, BUILDINGS, FIELD, FIELD, OTHER], np.uint8)
"""The value in `LANDSCAPE_LEGEND` of each value of `DETAILED_LEGEND`: ``truth = COARSE_VALUE[detail]``."""
