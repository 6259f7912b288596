"""Projects, their scenes, and who works where."""

from __future__ import annotations

from datetime import date, datetime

from annotator.enums import Asks, JobState, PatchState, Ramp, Role, SceneState, Strategy
from annotator.queries.document_types.base import Box, Document, Facts


class LegendClass(Document):
    """A class of a legend; ``color`` as in #e69f00."""

    value: int
    name: str
    color: str
    is_null: bool
    is_boundary: bool


class ProjectRow(Document):
    """A project in the list, with the person's roles; ``patch_counts`` are by the state that the person is told."""

    slug: str
    name: str
    description: str
    patch_zoom: int | None
    legend: list[LegendClass]
    roles: list[Role]
    bounds: Box | None
    patch_counts: dict[PatchState, int]
    promoted_version: int | None
    asks_for: Asks
    points_per_patch: int
    strategy: Strategy


class SceneComposite(Document):
    """A band combination of the project's own that a scene can be seen in; ``query`` goes into tiles' addresses."""

    composite: str
    name: str
    query: str


class OwnComposite(Document):
    """A band combination that a lead wrote; ``scenes`` are the ids of those that have the bands for it."""

    id: int
    composite: str
    name: str
    expressions: list[str]
    ranges: list[list[float] | None]
    ramp: Ramp
    scenes: list[int]


class Scene(Document):
    """A raster on its way in or ready; ``tile_url`` has {z}, {x}, {y} and is null until then.

    ``percent`` is how far its preparation is; ``is_active`` says whether that goes on.
    """

    id: int
    name: str
    state: SceneState
    message: str
    percent: int
    heartbeat_at: datetime | None
    is_active: bool
    can_be_tried_again: bool
    acquired_on: date | None
    bounds: Box | None
    crs: str
    gsd_m: float | None
    band_count: int | None
    band_names: list[str]
    pixel_type: str
    nodata: float | None
    width_px: int | None
    height_px: int | None
    composites: list[str]
    own_composites: list[SceneComposite]
    display_bands: list[int]
    stretch: list[list[float]]
    shift_m: list[float]
    tile_url: str | None
    patch_zoom_proposed: int | None


class Project(ProjectRow):
    """A project with its scenes and its area of interest, a GeoJSON geometry."""

    area_of_interest: Facts | None
    scenes: list[Scene]


class DisplayCopy(Document):
    """How far the making of a scene's display copy is."""

    scene: int
    state: JobState
    percent: int
    message: str
    is_active: bool
    requested_at: datetime
    ended_at: datetime | None


class Member(Document):
    """A role of a person in a project."""

    id: int
    user: str
    role: Role


class Assignment(Document):
    """An area for people, a GeoJSON geometry in degrees as text, and how much of it is left."""

    id: int
    name: str
    people: list[str]
    area: str
    patch_count: int
    waiting: int
    claimed: int
    made_at: datetime
    ended_at: datetime | None


class Invitation(Document):
    """A link that gives a role to whoever takes it, ``uses_max`` times at most."""

    id: int
    role: Role
    note: str
    state: str
    uses: int
    uses_max: int | None
    made_by: str
    made_at: datetime
    expires_at: datetime
    url: str


class Parcels(Document):
    """How many parcels there are, and how the latest drawing of all of them is; ``state`` is null without one."""

    parcels: int
    patches_waiting: int
    state: JobState | None
    is_active: bool
    done: int
    total: int
    message: str
    requested_at: datetime | None
    ended_at: datetime | None
