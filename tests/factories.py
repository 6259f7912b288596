"""Rows for tests, made through the domain's own verbs wherever there is one."""

from __future__ import annotations

import itertools
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Permission, User
from django.test import Client

from annotator.domain.annotations import save_mask
from annotator.domain.claims import claim_patch
from annotator.domain.ingest import ingest
from annotator.domain.masks import png_of
from annotator.domain.projects import ClassSpec, add_member, create_project
from annotator.domain.reviews import review_patch
from annotator.domain.scenes import add_scene
from annotator.enums import Role, Verdict
from annotator.imagery.grid import quadkey, square
from annotator.models import (
    ModelVersion,
    Patch,
    Project,
    Proposal,
    QueueEntry,
    Revision,
    Scene,
)
from annotator.queries.versions import promoted_version

LEGEND = (
    ClassSpec(0, "other", "#8c8c8c"),
    ClassSpec(1, "field", "#e69f00"),
    ClassSpec(2, "boundary", "#d55e00", is_boundary=True),
)
PASSWORD = "correct horse battery"
# A tile of zoom 17 on farmland in Maharashtra.
CORNER_X, CORNER_Y = 93600, 58000
_counter = itertools.count(1)
# Columns that no test names: below are those that tests count from, above those of whole campaigns.
_columns = itertools.cycle(range(100, 500))


def make_user(username: str = "", *, is_staff: bool = False, may_add_projects: bool = False) -> User:
    user = User.objects.create(
        username=username or f"person{next(_counter)}", password=_hashed_password(), is_staff=is_staff
    )
    if may_add_projects:
        user.user_permissions.add(
            Permission.objects.get(codename="add_project", content_type__app_label="annotator")
        )
    return user


@cache
def _hashed_password() -> str:
    """Hashing is slow so that guessing is; everybody in the tests has the same password."""
    return make_password(PASSWORD)


def make_project(*, lead: User | None = None, name: str = "Valley", **fields: object) -> Project:
    """A project with three classes and its first model version, promoted."""
    project = create_project(user=lead or make_user(), name=name, legend=LEGEND, **fields)  # type: ignore[arg-type]
    # Chance would move single patches of the few that a test has.
    project.audit_share = 0
    project.save(update_fields=["audit_share"])
    return project


def client_of(user: User) -> Client:
    """A browser in which the person is signed in."""
    client = Client()
    client.force_login(user)
    return client


def make_member(project: Project, role: Role = Role.ANNOTATOR, **fields: bool) -> User:
    user = make_user(**fields)  # type: ignore[arg-type]
    add_member(project=project, user=user, role=role)
    return user


def make_patch(project: Project, column: int | None = None, row: int = 0, *, score: float = 0.0) -> Patch:
    """An unlabelled patch in the queue; each call makes the next one to the east unless a column is given."""
    z = project.patch_zoom or 17
    x = CORNER_X + (next(_columns) if column is None else column)
    y = CORNER_Y + row
    patch = Patch.objects.create(
        project=project, quadkey=quadkey(x, y, z), z=z, x=x, y=y, square=square(x, y, z)
    )
    QueueEntry.objects.create(patch=patch, project=project, score=score)
    return patch


def make_scene(project: Project, source: Path | None = None, *, acquired_on: date | None = None) -> Scene:
    """A scene that went through ingest; without a source, a ready row whose file does not exist."""
    if source is not None:
        scene = add_scene(
            project=project, user=project.created_by, source=str(source), acquired_on=acquired_on
        )
        ingest(scene.pk)
        scene.refresh_from_db()
        assert scene.state == "ready", scene.message
        return scene
    return Scene.objects.create(
        project=project,
        name="October",
        state="ready",
        source="nowhere.tif",
        cog_name="nowhere.tif",
        footprint="SRID=4326;MULTIPOLYGON(((77 19, 77.1 19, 77.1 19.1, 77 19.1, 77 19)))",
        crs="EPSG:32643",
        gsd_m=1.0,
        band_count=3,
        band_names=["red", "green", "blue"],
        pixel_type="uint8",
        display_bands=[1, 2, 3],
        stretch=[[0, 255]] * 3,
        acquired_on=acquired_on or date(2022, 10, 3),
        added_by=project.created_by,
    )


def make_proposal(
    patch: Patch,
    *,
    mean_entropy_nats: float = 0.5,
    scene: Scene | None = None,
    version: ModelVersion | None = None,
    value: int = 1,
    embedding: tuple[float, ...] = (0.0,) * 8,
    **measures: object,
) -> Proposal:
    return Proposal.objects.create(
        patch=patch,
        scene=scene or patch.project.scenes.first() or make_scene(patch.project),
        model_version=version or promoted_version(patch.project_id),
        placement_number=scene.placement_number if scene else 1,
        mask_png=png_of(np.full((256, 256), value, np.uint8)),
        entropy_png=png_of(np.full((64, 64), 100, np.uint8)),
        entropy_max_nats=float(np.log(3)),
        mean_entropy_nats=mean_entropy_nats,
        embedding=np.array(embedding, "<f2").tobytes(),
        **measures,
    )


def verdict(*, passed: bool = True) -> dict[str, object]:
    """What the gate says of a candidate on twenty held-out patches."""
    low = 0.012 if passed else -0.012
    interval = f"(90 % interval {low:+.3f} to +0.066)"
    lack = "" if passed else "the lower bound is not above +0, "
    gain = {"name": "mIoU", "value": 0.041, "low": low, "high": 0.066}
    return {
        "passed": passed,
        "reason": f"mIoU +0.041 {interval}, {lack}no class surely lost more than 0.02: "
        f"{'' if passed else 'not '}passed.",
        "miou": gain,
        "classes": [{**gain, "name": "field"}],
        "regions": [],
        "worst": {**gain, "name": "field"},
        "patch_count": 20,
        "block_count": 12,
        "rule": {},
    }


def mask_of(value: int = 1) -> np.ndarray:
    return np.full((256, 256), value, np.uint8)


def submit(patch: Patch, user: User, mask: np.ndarray | None = None) -> Revision:
    claim_patch(patch=patch, user=user)
    current = getattr(Patch.objects.get(pk=patch.pk), "annotation", None)
    base = current.current.number if current and current.current else 0
    return save_mask(
        patch=patch, user=user, mask=mask_of() if mask is None else mask, base_number=base, submit=True
    )


def approve(patch: Patch, user: User, mask: np.ndarray | None = None) -> Revision:
    revision = submit(patch, user, mask)
    review_patch(patch=patch, user=user, verdict=Verdict.APPROVE, revision_number=revision.number)
    return revision


def halves(rows: int) -> np.ndarray:
    """A mask with the null class in so many rows, and field from there on."""
    mask = mask_of(0)
    mask[rows:] = 1
    return mask
