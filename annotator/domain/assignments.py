"""Areas that are for certain people: others are not served their patches."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.contrib.gis.geos import GEOSGeometry, MultiPolygon, Polygon
from django.db import connection, transaction
from django.utils import timezone

from annotator.domain.events import record_event
from annotator.domain.locks import lock_project
from annotator.enums import Role
from annotator.errors import BadAssignment, IllegalTransition
from annotator.imagery.grid import square, tile_of
from annotator.models import Assignment, Membership, Patch, Project, QueueEntry
from annotator.queries.desk_filter import DeskFilter

MOST_TILES = 10_000

# An entry belongs to the newest assignment that its patch's middle lies in. Only patches that touch the area that
# changed are looked at, by their index. The locks are taken in the order of the ids, as everybody does who takes
# several.
_APPLY_SQL = """
WITH wanted AS (
    SELECT entry.patch_id, entry.assignment_id AS present, (
        SELECT max(area.id) FROM annotator_assignment AS area
        WHERE area.project_id = %(project)s AND area.ended_at IS NULL
          AND ST_Covers(area.area, ST_Centroid(patch.square))) AS assignment_id
    FROM annotator_queueentry AS entry JOIN annotator_patch AS patch ON patch.id = entry.patch_id
    WHERE entry.project_id = %(project)s AND patch.project_id = %(project)s
      AND ST_Intersects(patch.square, ST_GeomFromEWKB(%(changed)s))),
locked AS (
    SELECT entry.patch_id FROM annotator_queueentry AS entry JOIN wanted USING (patch_id)
    WHERE wanted.assignment_id IS DISTINCT FROM wanted.present ORDER BY entry.patch_id FOR UPDATE OF entry)
UPDATE annotator_queueentry AS entry SET assignment_id = wanted.assignment_id
FROM wanted JOIN locked USING (patch_id) WHERE entry.patch_id = wanted.patch_id
"""


@transaction.atomic
def assign_area(
    *,
    project: Project,
    user: User,
    people: Sequence[User],
    area: GEOSGeometry | None = None,
    tiles: Sequence[str] = (),
    name: str = "",
) -> Assignment:
    """Keeps the patches of an area for people: a polygon, or a block of tiles given by their quadkeys.

    They are served these first, then what is assigned to nobody. Where areas overlap, the newest counts. Claims that
    somebody holds stay. Raises BadAssignment.
    """
    if not people:
        raise BadAssignment("Name at least one person who shall have the area.", field="people")
    project = lock_project(project.pk)
    draws = Membership.objects.filter(project=project, role__in=(Role.ANNOTATOR, Role.LEAD))
    members = set(draws.values_list("user_id", flat=True))
    strangers = sorted(person.get_username() for person in people if person.pk not in members)
    if strangers:
        raise BadAssignment(
            f"These people do not annotate in the project: {', '.join(strangers)}. Add them first.",
            field="people",
        )
    assignment = Assignment.objects.create(
        project=project, name=name.strip(), area=_area_of(area, tiles), made_by=user
    )
    assignment.people.set(people)
    record_event(
        assignment, "assigned", actor=user, people=sorted(person.get_username() for person in people)
    )
    _apply(project.pk, assignment.area)
    assignment.patch_count = QueueEntry.objects.filter(assignment=assignment).count()
    assignment.save(update_fields=["patch_count"])
    return assignment


@transaction.atomic
def end_assignment(*, assignment: Assignment, user: User) -> Assignment:
    """Gives what is left of the area back to everybody. Raises IllegalTransition when it has ended already."""
    lock_project(assignment.project_id)
    assignment.refresh_from_db()
    if assignment.ended_at is not None:
        raise IllegalTransition("The assignment has ended already. Reload to see the present ones.")
    _end(assignment, user)
    return assignment


def leave_areas(*, project: Project, person: User, user: User) -> None:
    """Takes somebody out of their areas, and ends those that are nobody else's. The caller has locked the project."""
    for assignment in person.assignments.filter(project=project, ended_at__isnull=True):
        assignment.people.remove(person)
        record_event(assignment, "left", actor=user, person=person.get_username())
        if not assignment.people.exists():
            _end(assignment, user)


def _end(assignment: Assignment, user: User) -> None:
    assignment.ended_at = timezone.now()
    assignment.save(update_fields=["ended_at"])
    record_event(assignment, "ended", actor=user)
    _apply(assignment.project_id, assignment.area)


def assignment_of(patch: Patch) -> int | None:
    """The id of the newest present assignment that the patch lies in."""
    areas = Assignment.objects.filter(project=patch.project_id, ended_at__isnull=True)
    return areas.filter(area__covers=patch.square.centroid).values_list("pk", flat=True).first()


def chosen_quadkeys(wanted: DeskFilter) -> list[str]:
    """The tiles of the patches that a valid filter of the desk lets through, to be assigned.

    Raises BadAssignment where there are none, or more than `MOST_TILES`.
    """
    keys = list(wanted.chosen().order_by().values_list("quadkey", flat=True)[: MOST_TILES + 1])
    if not keys:
        raise BadAssignment("No patch is like that. Widen the filter.", field="filter")
    if len(keys) > MOST_TILES:
        raise BadAssignment(
            f"The filter lets more than {MOST_TILES:,} patches through. Narrow it, or give tiles or an area.",
            field="filter",
        )
    return keys


def apply_assignments(project_id: int) -> None:
    """Tells every entry of the queue that lies in an area to whom it is assigned. The caller holds a transaction."""
    for assignment in Assignment.objects.filter(project_id=project_id, ended_at__isnull=True):
        _apply(project_id, assignment.area)


def _apply(project_id: int, changed: MultiPolygon) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_APPLY_SQL, {"project": project_id, "changed": bytes(changed.ewkb)})


def _area_of(area: GEOSGeometry | None, tiles: Sequence[str]) -> MultiPolygon:
    if (area is None) == (not tiles):
        raise BadAssignment("Give an area as a GeoJSON polygon, or tiles by their quadkeys; one of the two.")
    if len(tiles) > MOST_TILES:
        raise BadAssignment(
            f"Name at most {MOST_TILES} tiles; larger tiles hold more patches.", field="tiles"
        )
    if area is None:
        try:
            squares = [square(*tile_of(key)) for key in tiles]
        except ValueError as error:
            raise BadAssignment(f"{error} A quadkey has the digits 0 to 3.", field="tiles") from error
        area = MultiPolygon(squares, srid=3857).unary_union
    area = area.transform(3857, clone=True)
    if isinstance(area, Polygon):
        area = MultiPolygon(area, srid=3857)
    if not isinstance(area, MultiPolygon) or area.empty or not area.valid:
        raise BadAssignment(
            "The area must be a valid polygon in longitude and latitude: its sides may not cross. Draw it anew.",
            field="area",
        )
    return area
