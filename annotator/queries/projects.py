"""Projects as their members meet them, many at the price of one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.gis.db.models import Extent

from annotator.enums import SceneState, VersionState
from annotator.models import LabelClass, Membership, ModelVersion, Project, Scene
from annotator.queries.progress import patch_counts_of

Document = dict[str, Any]


def project_rows(projects: Sequence[Project], user: AbstractBaseUser | AnonymousUser) -> list[Document]:
    """The projects with legend, progress and the person's roles, in as many queries however many there are."""
    ids = [project.pk for project in projects]
    legends, roles = _legends(ids), _roles(ids, user)
    extents, versions = _extents(ids), _promoted_numbers(ids)
    counts = patch_counts_of(ids, user)
    return [
        {
            "slug": project.slug,
            "name": project.name,
            "description": project.description,
            "patch_zoom": project.patch_zoom,
            "legend": legends[project.pk],
            "roles": sorted(roles[project.pk]),
            "bounds": _bounds(project, extents),
            "patch_counts": counts[project.pk],
            "promoted_version": versions.get(project.pk),
            "asks_for": project.asks_for,
            "points_per_patch": project.points_per_patch,
            "strategy": project.strategy,
        }
        for project in projects
    ]


def _legends(ids: Iterable[int]) -> dict[int, list[Document]]:
    """The present legends, without classes that are retired."""
    legends: dict[int, list[Document]] = defaultdict(list)
    classes = LabelClass.objects.filter(project__in=ids, retired_at__isnull=True)
    for one in classes.order_by("value"):
        legends[one.project_id].append(
            {
                "value": one.value,
                "name": one.name,
                "color": one.color,
                "is_null": one.is_null,
                "is_boundary": one.is_boundary,
            }
        )
    return legends


def _roles(ids: Iterable[int], user: AbstractBaseUser | AnonymousUser) -> dict[int, set[str]]:
    roles: dict[int, set[str]] = defaultdict(set)
    memberships = Membership.objects.filter(project__in=ids, user_id=user.pk)
    for project_id, role in memberships.values_list("project_id", "role"):
        roles[project_id].add(role)
    return roles


def _extents(ids: Iterable[int]) -> dict[int, tuple[float, ...]]:
    ready = Scene.objects.filter(project__in=ids, state=SceneState.READY).order_by()
    return dict(ready.values("project_id").annotate(all=Extent("footprint")).values_list("project_id", "all"))


def _bounds(project: Project, extents: dict[int, tuple[float, ...]]) -> list[float] | None:
    """West, south, east, north of the area of interest, else of the scenes; None where there is neither."""
    area = project.area_of_interest
    extent = area.extent if area else extents.get(project.pk)
    return list(extent) if extent else None


def _promoted_numbers(ids: Iterable[int]) -> dict[int, int]:
    promoted = ModelVersion.objects.filter(project__in=ids, state=VersionState.PROMOTED)
    return dict(promoted.values_list("project_id", "number"))
