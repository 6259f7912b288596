"""A candidate's look at the held-out patches is counted where it could have passed on mostly the same ones."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from annotator.domain.versions import add_candidate
from annotator.enums import RunState
from annotator.models import Evaluation, Project, TrainingRun
from annotator.queries.looks import next_look
from annotator.queries.versions import promoted_version
from tests.factories import make_project

pytestmark = pytest.mark.django_db
DECIDED: dict[str, Any] = {"passed": False, "reason": "", "miou": {"value": 0, "low": 0, "high": 0}}
KEYS = ["30", "31", "32", "33"]


@pytest.fixture
def project() -> Project:
    return make_project(patch_zoom=17)


def judged(
    project: Project, keys: list[str], verdict: dict[str, Any], state: str = RunState.SUCCEEDED
) -> None:
    """A run that measured its parent and its candidate on the patches."""
    parent = promoted_version(project.pk)
    assert parent is not None
    user: User = project.created_by
    candidate = add_candidate(
        parent=parent, adapter_name="", temperature=1.0, provenance={}, actor=user, verdict=verdict
    )
    run = TrainingRun.objects.create(project=project, state=state, parent=parent, candidate=candidate)
    for version in (parent, candidate):
        Evaluation.objects.create(
            model_version=version, training_run=run, patch_count=len(keys), patch_keys=keys, miou=0.5
        )


def test_the_first_candidate_is_the_first_look(project: Project) -> None:
    assert next_look(project.pk, KEYS) == 1


def test_each_candidate_that_was_judged_on_half_of_the_patches_is_a_look(
    project: Project, django_assert_num_queries: Any
) -> None:
    judged(project, KEYS, DECIDED)
    judged(project, [*KEYS[:2], "10", "11", "12"], DECIDED)
    judged(project, [KEYS[0], "10", "11", "12"], DECIDED)
    with django_assert_num_queries(1):
        assert next_look(project.pk, KEYS) == 3


def test_what_could_not_pass_is_no_look(project: Project) -> None:
    judged(project, KEYS, DECIDED | {"miou": None})
    judged(project, KEYS, DECIDED, state=RunState.FAILED)
    judged(make_project(patch_zoom=17), KEYS, DECIDED)
    assert next_look(project.pk, KEYS) == 1
