"""Patches, the queue, and what people and the machine say of a patch."""

from __future__ import annotations

from datetime import datetime

from annotator.enums import Asks, PatchState, QueueReason, Strategy, Verdict
from annotator.queries.document_types.base import Box, Document, Facts


class PatchRow(Document):
    """A patch in a list; ``state`` is what the person is told."""

    id: int
    quadkey: str
    z: int
    x: int
    y: int
    state: PatchState
    is_audit: bool
    bounds: Box


class Claim(Document):
    """Who holds a patch: this person or another one."""

    mine: bool
    expires_at: datetime


class Ranking(Document):
    """One ordering of the queue and all that it follows from."""

    id: int
    strategy: Strategy
    seed: int
    audit_share: float
    model_version: int | None
    scene: int | None
    legend_number: int
    patch_count: int
    scored_count: int
    audit_count: int
    parameters: Facts
    order_hash: str
    made_at: datetime
    is_stale: bool
    stale_because: str | None


class Place(Document):
    """Why a patch stands where it stands in the queue; ``worth`` is in the unit of the strategy."""

    score: float
    reason: QueueReason
    reason_text: str
    explanation: str
    place: int | None
    worth: float | None
    worth_rank: int | None
    is_novel: bool
    is_audit: bool
    ranking: Ranking | None


class QueueEntry(Place):
    """A place in the queue with its patch."""

    patch: int
    quadkey: str


class Queue(Document):
    """How much of the queue is open and claimed, and the places that are served next."""

    open: int
    claimed: int
    entries: list[QueueEntry]
    ranking: Ranking | None


class RankingRequest(Document):
    """The ranking that there was when another one was asked for."""

    before: int | None


class Proposal(Document):
    """A machine's mask of a patch; its entropy map has ``entropy_rows`` x ``entropy_cols`` cells."""

    id: int
    mask_url: str
    entropy_url: str
    entropy_rows: int
    entropy_cols: int
    entropy_max_nats: float
    mean_entropy_nats: float
    points_by_chance: bool
    model_version: int
    scene: int
    is_stale: bool


class Revision(Document):
    """One saved mask; ``proposal`` is the one that it started from."""

    id: int
    number: int
    author: str
    mask_url: str
    is_submitted: bool
    is_conflicting: bool
    saved_at: datetime
    seconds_spent: int
    stroke_count: int
    pixels_changed: int
    proposal: int | None


class Review(Document):
    """A verdict on a revision."""

    verdict: Verdict
    comment: str
    reviewer: str
    decided_at: datetime


class Pin(Document):
    """A comment on a pixel, (x, y) from the upper left."""

    id: int
    x: int
    y: int
    text: str
    author: str
    answer: str
    answered_by: str | None
    is_resolved: bool


class Patch(PatchRow):
    """A patch as the person meets it; ``points`` are cells, row and column, to be named in their order."""

    project: str
    size_px: int
    asks_for: Asks
    points: list[list[int]]
    claim: Claim | None
    queue: Place | None
    proposal: Proposal | None
    revision: Revision | None
    review: Review | None
    pins: list[Pin]


class ClaimAnswer(Document):
    """The patch that the person holds now, or the ``outcome`` that tells why there is none."""

    outcome: str
    detail: str
    until: datetime | None
    patch: Patch | None


class FieldClaims(Document):
    """The ids of the patches that the person holds for a day."""

    patches: list[int]


class Lease(Document):
    """When a claim ends by itself."""

    expires_at: datetime


class SavedMask(Document):
    """The revision that was saved, and the state of its patch."""

    revision: Revision
    state: PatchState


class Event(Document):
    """What was done; ``actor`` is null where the system acted by itself."""

    id: int
    at: datetime
    actor: str | None
    subject: str
    subject_id: int
    verb: str
    from_state: str
    to_state: str
    facts: Facts


class History(Document):
    """What happened to a patch, and the revisions of it that the person may see."""

    events: list[Event]
    revisions: list[Revision]
