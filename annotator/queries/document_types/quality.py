"""How labels are checked, and masks to draw by or to compare."""

from __future__ import annotations

from datetime import date, datetime

from annotator.enums import DoubleState, Strategy
from annotator.queries.document_types.base import Document
from annotator.queries.document_types.patches import Revision


class QualityRules(Document):
    """Shares are of patches, from 0 to 1; two masks with an mIoU of ``consensus_miou`` agree."""

    double_share: float
    consensus_miou: float
    gold_share: float
    blind_share: float


class QueueRules(Document):
    """What the queue is ranked by, and how many patches a person may hold; null for the server's limit."""

    strategy: Strategy
    audit_share: float
    queue_seed: int
    claims_per_person: int | None


class GoldPatch(Document):
    """A patch whose mask is known to be right; ``mean_miou`` is that of the answers, null without one."""

    patch: int
    marked_by: str
    marked_at: datetime
    answers: int
    mean_miou: float | None


class GoldPatches(Document):
    results: list[GoldPatch]


class DoubleAnnotation(Document):
    """How far two people's masks of a patch are; ``agreement`` is their mIoU, ``second`` the second one's."""

    state: DoubleState
    state_text: str
    agreement: float | None
    consensus_miou: float | None
    is_open: bool
    is_disputed: bool
    second: Revision | None


class Neighbour(Document):
    """An approved mask beside a patch, so many patches to the east and south."""

    dx: int
    dy: int
    patch: int
    mask_url: str


class Neighbours(Document):
    results: list[Neighbour]


class DatedRevision(Revision):
    """A revision with the day of the scene that it was drawn on."""

    acquired_on: date | None


class ProposedMask(Document):
    """A proposal of a patch, with the scene that it was made from."""

    id: int
    mask_url: str
    scene: int
    scene_name: str
    acquired_on: date | None
    model_version: int
    mean_entropy_nats: float
    entropy_max_nats: float


class Masks(Document):
    """All masks of a patch that the person may see."""

    revisions: list[DatedRevision]
    proposals: list[ProposedMask]


class SavedReport(Document):
    """The revision that a report of bad imagery became: unsure everywhere."""

    revision: Revision
