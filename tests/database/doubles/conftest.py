"""A patch that one person has drawn, and a second one is to draw."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from annotator.models import (
    Patch,
    Project,
)
from tests.drawn_twice import drawn
from tests.factories import (
    make_member,
    make_patch,
    make_project,
    submit,
)


@pytest.fixture
def project() -> Project:
    project = make_project()
    Project.objects.filter(pk=project.pk).update(double_share=1.0)
    project.refresh_from_db()
    return project


@pytest.fixture
def ann(project: Project) -> User:
    return make_member(project)


@pytest.fixture
def bea(project: Project) -> User:
    return make_member(project)


@pytest.fixture
def patch(project: Project, ann: User, bea: User) -> Patch:
    """Submitted by one person, so that a second one is wanted."""
    patch = make_patch(project)
    submit(patch, ann, drawn(0))
    return Patch.objects.get(pk=patch.pk)
