"""What patches hold of parcels, drawn anew and compared with what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from annotator import inference
from annotator.domain.masks import Mask, values_of
from annotator.imagery.grid import quadkey
from annotator.models import LabelClass, ParcelPiece, Proposal, Revision
from annotator.queries.labels import approved_revisions, legend_of

Place = tuple[int, int]


@dataclass
class Redrawn:
    """Pieces of some patches by what became of them; ``new`` ones are not saved and have no parcel yet.

    ``altered`` ones have their outline but another revision, other seams or other pixels; they are not saved either.
    """

    new: list[ParcelPiece] = field(default_factory=list)
    altered: list[ParcelPiece] = field(default_factory=list)
    gone: list[ParcelPiece] = field(default_factory=list)


def redraw_pieces(project_id: int, *, around: set[Place], alone: set[Place], zoom: int) -> Redrawn:
    """The pieces of the patches at ``alone``, and of those at ``around`` and the eight beside each."""
    wanted = alone | with_neighbours(around)
    revisions = {
        (patch.x, patch.y): revision
        for revision in approved_revisions(project_id).filter(
            annotation__patch__quadkey__in=keys_of(with_neighbours(wanted), zoom)
        )
        for patch in [revision.annotation.drawn_patch]
    }
    masks = {place: values_of(revision.mask_png) for place, revision in revisions.items()}
    legend = legend_of(project_id)
    proposals = Proposal.objects.in_bulk(
        [r.proposal_id for place, r in revisions.items() if place in wanted and r.proposal_id]
    )
    redrawn = Redrawn()
    stored = _stored_pieces(project_id, keys_of(wanted, zoom))
    for place in sorted(wanted):
        drawn: list[ParcelPiece] = []
        if place in revisions:
            revision = revisions[place]
            drawn = _draw(masks, place, legend, revision, proposals.get(revision.proposal_id or 0))
        _compare(drawn, stored.get(place, []), redrawn)
    return redrawn


def with_neighbours(places: Iterable[Place]) -> set[Place]:
    """The places and the eight around each: what their parcels' lines depend on."""
    return {(x + dx, y + dy) for x, y in places for dx in (-1, 0, 1) for dy in (-1, 0, 1)}


def keys_of(places: Iterable[Place], zoom: int) -> list[str]:
    return [quadkey(x, y, zoom) for x, y in places if 0 <= x < 2**zoom and 0 <= y < 2**zoom]


def _stored_pieces(project_id: int, keys: list[str]) -> dict[Place, list[ParcelPiece]]:
    rows = ParcelPiece.objects.filter(patch__project_id=project_id, patch__quadkey__in=keys)
    stored: dict[Place, list[ParcelPiece]] = {}
    for row in rows.select_related("patch"):
        stored.setdefault((row.patch.x, row.patch.y), []).append(row)
    return stored


def _draw(
    masks: Mapping[Place, Mask],
    place: Place,
    legend: list[LabelClass],
    revision: Revision,
    proposal: Proposal | None,
) -> list[ParcelPiece]:
    drawn = inference.parcel_pieces(masks, place, legend)
    kept, reshaped = None, frozenset[int]()
    if proposal is not None:
        certainty = 1 - values_of(proposal.entropy_png) / 255
        proposed = values_of(proposal.mask_png)
        kept = inference.piece_certainties(drawn.labels, masks[place], proposed, certainty)
        reshaped = inference.reshaped_labels(drawn, masks, place, proposed, legend)
    return [
        ParcelPiece(
            patch=revision.annotation.drawn_patch,
            revision=revision,
            value=piece.value,
            outline_wkb=piece.outline.wkb,
            seams=np.packbits(piece.seams).tobytes(),
            pixel_count=piece.pixel_count,
            kept_pixels=kept[label].kept_pixels if kept else None,
            certainty_sum=kept[label].certainty_sum if kept else 0,
            is_reshaped=label in reshaped,
        )
        for label, piece in enumerate(drawn.pieces, 1)
    ]


PIECE_FACTS = ("revision", "seams", "pixel_count", "kept_pixels", "certainty_sum", "is_reshaped")


def _compare(drawn: list[ParcelPiece], stored: list[ParcelPiece], redrawn: Redrawn) -> None:
    """Adds to ``redrawn`` what is not as it was."""
    by_outline = {(row.value, bytes(row.outline_wkb)): row for row in stored}
    for piece in drawn:
        row = by_outline.pop((piece.value, bytes(piece.outline_wkb)), None)
        if row is None:
            redrawn.new.append(piece)
        elif _facts(row) != _facts(piece):
            for name in PIECE_FACTS:
                setattr(row, name, getattr(piece, name))
            redrawn.altered.append(row)
    redrawn.gone.extend(by_outline.values())


def _facts(piece: ParcelPiece) -> tuple[object, ...]:
    return (
        piece.revision_id,
        bytes(piece.seams),
        piece.pixel_count,
        piece.kept_pixels,
        piece.certainty_sum,
        piece.is_reshaped,
    )
