"""How far and how fast the work is, and what becomes of many patches at once."""

from __future__ import annotations

from datetime import date, datetime

from annotator.enums import PatchState, SpotOutcome
from annotator.queries.document_types.base import Box, Document


class ClassProgress(Document):
    """What is approved of one class; ``share`` is that of the approved patches which have it, 0 to 1."""

    value: int
    name: str
    color: str
    approved_patches: int
    share: float
    approved_ha: float


class TileProgress(Document):
    """A coarse tile; ``labelled`` patches wait for review or are approved."""

    quadkey: str
    patches: int
    labelled: int
    approved: int
    name: str
    bounds: Box


class Progress(Document):
    """How many patches are in each state, and what is done by class and by tiles of one zoom."""

    patches: dict[PatchState, int]
    classes: list[ClassProgress]
    zoom: int
    tiles: list[TileProgress]


class Forecast(Document):
    """When the last patch is submitted if it goes on as in those ``days``; null is beyond 100 years."""

    patches_per_day: float
    days: int
    likely: date | None
    earliest: date | None
    latest: date | None


class Pace(Document):
    """Patches submitted on each of the whole days (UTC), by person and in all; ``waiting`` are left."""

    days: list[date]
    by_annotator: dict[str, list[int]]
    totals: list[int]
    waiting: int
    forecast: Forecast | None


class Refusal(Document):
    """A patch that stayed as it was, and why."""

    patch_id: int
    name: str
    code: str
    detail: str


class BulkReport(Document):
    """Every chosen patch is in one of the two lists."""

    done: list[int]
    refused: list[Refusal]


class SpotCheck(Document):
    """A patch that was drawn, and what a lead found in it; ``decided_at`` is null before."""

    id: int
    annotator: str
    submitted_that_day: int
    outcome: SpotOutcome
    decided_at: datetime | None


class SpotDraw(Document):
    """Patches that chance drew of a day's work."""

    day: date
    seed: int
    per_annotator: int
    drawn_by: str
    drawn_at: datetime
    patches: list[SpotCheck]


class SpotDraws(Document):
    results: list[SpotDraw]
