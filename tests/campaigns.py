"""A project with somebody in every role, for the tests of pages and of the administration."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotator.domain.versions import add_candidate
from annotator.enums import Role
from annotator.models import ModelVersion, Patch, Project, Scene
from annotator.queries.versions import promoted_version
from tests.factories import make_member, make_patch, make_project, make_scene, make_user, submit
from tests.factories import verdict as passing_verdict


@dataclass
class Campaign:
    """A project with one scene, a submitted and an unlabelled patch, and a person in each role."""

    project: Project
    scene: Scene
    patch: Patch
    people: dict[str, User]

    def client(self, role: str) -> Client:
        client = Client()
        if role != "anonymous":
            client.force_login(self.people[role])
        return client

    def url(self, name: str) -> str:
        more = {"review_patch": [self.patch.pk], "timeline": [self.patch.pk], "scene": [self.scene.pk]}.get(
            name, []
        )
        return reverse(name, args=[self.project.slug, *more])

    def add_candidate(self, *, verdict: dict[str, object] | None = None) -> ModelVersion:
        """A candidate that passed the gate, or with another verdict."""
        parent = promoted_version(self.project.pk)
        assert parent is not None
        return add_candidate(
            parent=parent,
            adapter_name="nowhere",
            temperature=1.3,
            provenance={"kind": "LoRA round", "seed": 7},
            actor=self.project.created_by,
            verdict=passing_verdict() if verdict is None else verdict,
        )


def make_campaign() -> Campaign:
    lead = make_user("lina")
    project = make_project(lead=lead)
    people = {
        "lead": lead,
        "annotator": make_member(project, Role.ANNOTATOR),
        "ml_staff": make_member(project, Role.ML_STAFF, is_staff=True),
        "stranger": make_user(may_add_projects=True),
    }
    scene, patch = make_scene(project), make_patch(project)
    make_patch(project)
    submit(patch, people["annotator"])
    return Campaign(project, scene, patch, people)


def admin_url(name: str, *args: object) -> str:
    return reverse(f"admin:annotator_{name}", args=args)


def as_staff(user: User) -> Client:
    user.is_staff = True
    user.save()
    client = Client()
    client.force_login(user)
    return client


def superuser() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def query_count(client: Client, url: str) -> int:
    """How many queries the page takes once everything that is read once is read."""
    client.get(url)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)
