from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.contrib.gis.geos import GEOSGeometry, MultiPolygon, Polygon
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from annotator.domain.events import record_event
from annotator.domain.versions import register_base_version
from annotator.enums import Role
from annotator.errors import BadProject
from annotator.models import LabelClass, Membership, Project

MAX_CLASSES = 16
# Addresses under /projects/ that are pages of their own.
RESERVED_SLUGS = frozenset({"new"})


@dataclass(frozen=True)
class ClassSpec:
    """One row of a legend as a lead writes it."""

    value: int
    name: str
    color: str
    is_boundary: bool = False


@transaction.atomic
def create_project(
    *,
    user: User,
    name: str,
    legend: Sequence[ClassSpec],
    description: str = "",
    patch_zoom: int | None = None,
    area_of_interest: GEOSGeometry | None = None,
    slug: str = "",
) -> Project:
    """Makes a project with its legend and its first model version; its maker becomes its lead.

    Raises BadProject with a sentence when the legend or the area cannot be used.
    """
    check_legend(legend)
    if patch_zoom is not None and not 8 <= patch_zoom <= 22:
        raise BadProject("The patch zoom must be between 8 and 22; leave it empty to have one proposed.")
    if not name.strip():
        raise BadProject("Give the project a name.")
    project = _with_free_slug(
        Project(
            name=name.strip(),
            slug=slug or slugify(name)[:50] or "project",
            description=description,
            patch_zoom=patch_zoom,
            area_of_interest=_as_multipolygon(area_of_interest),
            created_by=user,
        )
    )
    LabelClass.objects.bulk_create(
        LabelClass(
            project=project, value=c.value, name=c.name.strip(), color=c.color, is_boundary=c.is_boundary
        )
        for c in legend
    )
    add_member(project=project, user=user, role=Role.LEAD)
    register_base_version(project=project, actor=user)
    record_project_event(project, "created", user)
    return project


@transaction.atomic
def add_member(*, project: Project, user: User, role: Role, by: User | None = None) -> Membership:
    """Gives the person a role in the project; giving it twice changes nothing.

    It is recorded where somebody gives it: founding a project and taking an invitation have records of their own.
    """
    membership, is_new = Membership.objects.get_or_create(project=project, user=user, role=role)
    if is_new and by is not None:
        record_event(membership, "added", actor=by, member=user.get_username(), role=str(role))
    return membership


def record_project_event(project: Project, verb: str, actor: User | None, **facts: Any) -> None:
    # A project is its own project; Event wants the id under that name.
    project.project_id = project.pk  # type: ignore[attr-defined]
    record_event(project, verb, actor=actor, **facts)


def check_legend(legend: Sequence[ClassSpec]) -> None:
    """Raises BadProject unless it is sound for a new project, whose values are 0, 1, 2 ... without gaps."""
    _check_count(legend)
    if sorted(c.value for c in legend) != list(range(len(legend))):
        raise BadProject("Number the classes 0, 1, 2 ... without gaps; 0 is the null class.")
    check_classes(legend)


def check_classes(legend: Sequence[ClassSpec]) -> None:
    """Raises BadProject unless there are classes enough, with distinct names and at most one boundary class."""
    _check_count(legend)
    names = [c.name.strip().casefold() for c in legend]
    if "" in names:
        raise BadProject("Every class needs a name.")
    if len(set(names)) < len(names):
        raise BadProject("Two classes have the same name; give each its own.")
    for c in legend:
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", c.color):
            raise BadProject(f"The colour of {c.name!r} must read #rrggbb; it reads {c.color!r}.")
    boundaries = [c for c in legend if c.is_boundary]
    if len(boundaries) > 1:
        raise BadProject("Only one class can be the boundary class.")
    if boundaries and boundaries[0].value == 0:
        raise BadProject("The null class (value 0) cannot be the boundary class.")


def _check_count(legend: Sequence[ClassSpec]) -> None:
    if not 2 <= len(legend) <= MAX_CLASSES:
        raise BadProject(f"A legend has between 2 and {MAX_CLASSES} classes; this one has {len(legend)}.")


def _with_free_slug(project: Project) -> Project:
    """Saves the project under the slug that it has, or under that with the first number that is free."""
    wanted, number = project.slug, 1
    while not _take_slug(project):
        number += 1
        project.slug = f"{wanted}-{number}"
    return project


def _take_slug(project: Project) -> bool:
    """Saves the project unless its slug is taken, be it by somebody who saves at this very moment."""
    if project.slug in RESERVED_SLUGS or Project.objects.filter(slug=project.slug).exists():
        return False
    try:
        with transaction.atomic():
            project.save(force_insert=True)
    except IntegrityError:
        if not Project.objects.filter(slug=project.slug).exists():
            raise
        project.pk = None
        return False
    return True


def _as_multipolygon(area: GEOSGeometry | None) -> MultiPolygon | None:
    if area is None:
        return None
    if area.srid not in (None, 4326):
        area = area.transform(4326, clone=True)
    if isinstance(area, Polygon):
        area = MultiPolygon(area, srid=4326)
    if not isinstance(area, MultiPolygon) or area.empty or not area.valid:
        raise BadProject(
            "The area of interest must be a valid polygon; draw it again without crossing lines."
        )
    west, south, east, north = area.extent
    if west < -180 or east > 180 or south < -85.06 or north > 85.06:
        raise BadProject(
            "The area of interest must be in longitude and latitude (EPSG:4326), "
            "longitude first, and within 85 degrees of the equator."
        )
    return MultiPolygon(list(area), srid=4326)
