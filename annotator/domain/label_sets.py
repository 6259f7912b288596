"""Which approved masks teach, which are repeated, which validate, which are held out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from annotator.domain.sides import block_of, recorded_sides, sides_of
from annotator.enums import Side
from annotator.errors import NothingToTrainOn
from annotator.models import ModelVersion, Revision
from annotator.queries.lineage import learned_revisions


@dataclass(frozen=True)
class LabelSplit:
    """The revisions of a run: those new to learn from, those of earlier rounds to repeat, and the other sides.

    ``sides`` are by block, of these revisions' blocks. Without ``has_news``, what is learned was learned before.
    """

    training: list[Revision] = field(default_factory=list)
    replay: list[Revision] = field(default_factory=list)
    validation: list[Revision] = field(default_factory=list)
    holdout: list[Revision] = field(default_factory=list)
    sides: dict[str, Side] = field(default_factory=dict)
    has_news: bool = True

    @property
    def everything(self) -> list[Revision]:
        return self.training + self.replay + self.validation + self.holdout


def plan_split(project_id: int, parent: ModelVersion, revisions: Iterable[Revision]) -> LabelSplit:
    """Splits approved revisions by their blocks' sides, for a run from the parent; nothing is written.

    What the parent's line of versions learned from is repeated; a newer revision of the same patch is new. Where
    nothing is new, everything is learned from again. Raises NothingToTrainOn.
    """
    found = list(revisions)
    if len(found) < 2:
        raise NothingToTrainOn(
            f"{len(found)} approved patches: a run needs at least 2, one to learn from and one to be "
            "measured on. Approve more patches first.",
            approved=len(found),
        )
    keys = [block_of(revision.annotation.drawn_patch.quadkey) for revision in found]
    split = LabelSplit(sides=sides_of(keys, recorded_sides(project_id)))
    known = learned_revisions(parent)
    by_side = {Side.VALIDATION: split.validation, Side.HOLDOUT: split.holdout}
    for block, revision in zip(keys, found, strict=True):
        teaching = split.replay if revision.pk in known else split.training
        by_side.get(split.sides[block], teaching).append(revision)
    if split.training:
        return split
    return replace(split, training=split.replay, replay=[], has_news=False)
