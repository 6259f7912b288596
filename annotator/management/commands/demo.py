"""`python manage.py demo`: demo users and projects; a second run changes nothing that is there."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.core.management.base import BaseCommand, CommandError

from annotator import inference
from annotator.domain.imports import import_label_raster
from annotator.domain.ingest import ingest
from annotator.domain.projects import ClassSpec, add_member, create_project
from annotator.domain.proposals import request_proposals
from annotator.domain.scenes import add_scene
from annotator.enums import Role, SceneState
from annotator.errors import MilpaError
from annotator.models import Project, Scene

USERS = {"annotator": Role.ANNOTATOR, "lead": Role.LEAD, "mlstaff": Role.ML_STAFF}
FIELD_LEGEND = (
    ClassSpec(0, "other", "#8c8c8c"),
    ClassSpec(1, "field", "#e69f00"),
    ClassSpec(2, "boundary", "#d55e00", is_boundary=True),
)


class Command(BaseCommand):
    help = "Makes the demo users and projects; what is there already stays as it is."

    def handle(self, *args: Any, **options: Any) -> None:
        password = os.environ.get("MILPA_DEMO_PASSWORD", "milpa-demo" if settings.DEBUG else "")
        if not password:
            raise CommandError(
                "Set MILPA_DEMO_PASSWORD: demo users with a known password are for DEBUG only."
            )
        users = {name: _user(name, password) for name in USERS}
        self._drawn_landscape(users)
        if settings.MILPA_DATA is None:
            self.stdout.write("MILPA_DATA is not set: no projects of real scenes.")
            return
        self._maharashtra(users, settings.MILPA_DATA / "maharashtra-s2-scene")
        self._denmark(users, settings.MILPA_DATA / "denmark-lpis-s2")

    def _drawn_landscape(self, users: dict[str, User]) -> None:
        project = self._project(users, "demo", "Demo valley", _landscape_legend())
        if project is None:
            return
        self.stdout.write("Drawing a landscape of 4,096 x 4,096 px; this takes about a minute.")
        folder = Path(settings.MEDIA_ROOT) / "demo"
        folder.mkdir(parents=True, exist_ok=True)
        scene = folder / "valley.tif"
        if not scene.exists():
            inference.write_landscape_scene(scene, folder / "valley-truth.tif", seed=7, size_px=4096)
        self._scene(project, users, scene, "drawn landscape, October 2022")
        self._propose(project, users)

    def _maharashtra(self, users: dict[str, User], folder: Path) -> None:
        project = self._project(users, "maharashtra", "Maharashtra, Sentinel-2", FIELD_LEGEND)
        if project is None:
            return
        for day in (date(2022, 1, 6), date(2022, 10, 3)):
            path = folder / f"s2_sr_maharashtra_{day:%Y%m%d}.tif"
            self._scene(project, users, path, f"Sentinel-2, {day:%d %B %Y}", day)
        self._propose(project, users)

    def _denmark(self, users: dict[str, User], folder: Path) -> None:
        project = self._project(users, "denmark", "Denmark, declared parcels", FIELD_LEGEND)
        if project is None:
            return
        day = date(2016, 5, 8)
        self._scene(project, users, folder / "image.tif", f"Sentinel-2, {day:%d %B %Y}", day)
        imported = import_label_raster(
            project=project,
            user=users["lead"],
            path=folder / "label_field3.tif",
            classes={0: 0, 1: 1, 2: 2},
        )
        self.stdout.write(f"{project.name}: {imported} patches of declared parcels imported as approved.")
        self._propose(project, users)

    def _project(
        self, users: dict[str, User], slug: str, name: str, legend: tuple[ClassSpec, ...]
    ) -> Project | None:
        """The new project, None when it is there already with its scenes."""
        project = Project.objects.filter(slug=slug).first()
        if project is not None and project.scenes.filter(state=SceneState.READY).exists():
            return None
        if project is None:
            project = create_project(user=users["lead"], name=name, slug=slug, legend=legend)
        for username, role in USERS.items():
            add_member(project=project, user=users[username], role=role)
        return project

    def _scene(
        self,
        project: Project,
        users: dict[str, User],
        path: Path,
        name: str,
        acquired_on: date | None = None,
    ) -> None:
        try:
            scene = add_scene(
                project=project, user=users["lead"], source=str(path), name=name, acquired_on=acquired_on
            )
        except MilpaError as error:
            raise CommandError(f"{path.name}: {error.detail}") from error
        ingest(scene.pk)
        scene = Scene.objects.get(pk=scene.pk)
        if scene.state != SceneState.READY:
            raise CommandError(f"{path.name}: {scene.message}")
        count = project.patches.count()
        self.stdout.write(f"{project.name}: {scene.name} is ready, {count} patches.")

    def _propose(self, project: Project, users: dict[str, User]) -> None:
        request_proposals(project=project, user=users["lead"])


def _landscape_legend() -> tuple[ClassSpec, ...]:
    return tuple(
        ClassSpec(c.value, c.name, c.color, is_boundary=c.is_boundary) for c in inference.landscape_classes()
    )


def _user(username: str, password: str) -> User:
    user, is_new = User.objects.get_or_create(username=username)
    if is_new:
        user.set_password(password)
        user.is_staff = username == "mlstaff"
        user.save()
    if username == "lead":
        user.user_permissions.add(
            Permission.objects.get(codename="add_project", content_type__app_label="annotator")
        )
    return user
