"""Two people at the same moment: both get an answer, and neither an unforeseen error."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from annotator.domain.projects import create_project
from annotator.domain.proposals import request_proposals
from annotator.domain.versions import add_candidate, promote
from annotator.errors import AlreadyActive
from annotator.models import InferenceJob, ModelVersion, Project
from annotator.queries.versions import promoted_version
from tests.factories import LEGEND, make_patch, make_project, make_scene, make_user, verdict

pytestmark = pytest.mark.django_db(transaction=True)


def beside(verb: Callable[[], object], pool: ThreadPoolExecutor) -> Future[object]:
    """Runs the verb on a connection of its own until it waits for a lock of ours."""

    def call() -> object:
        try:
            return verb()
        finally:
            connection.close()

    future = pool.submit(call)
    deadline = time.monotonic() + 20
    while not _somebody_waits() and not future.done():
        assert time.monotonic() < deadline, "the other verb neither ended nor came to wait"
        time.sleep(0.02)
    return future


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        # Not pg_stat_activity, which answers the same all through a transaction.
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


@pytest.fixture
def project() -> Project:
    project = make_project()
    make_scene(project)
    make_patch(project)
    return project


@pytest.fixture
def candidate(project: Project) -> ModelVersion:
    with transaction.atomic():
        return add_candidate(
            parent=promoted_version(project.pk),
            adapter_name="nowhere",
            temperature=1,
            provenance={},
            actor=None,
            verdict=verdict(),
        )


def test_asking_for_proposals_while_a_version_is_promoted_is_told_of_the_new_job(
    project: Project, candidate: ModelVersion
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            promote(version=candidate, user=project.created_by)
            asking = beside(lambda: request_proposals(project=project, user=project.created_by), pool)
        with pytest.raises(AlreadyActive) as caught:
            asking.result(timeout=20)
    job = InferenceJob.objects.get()
    assert (job.model_version, caught.value.facts) == (candidate, {"active": job.pk})


def test_a_promotion_ends_the_job_that_was_asked_for_at_the_same_moment(
    project: Project, candidate: ModelVersion
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first = request_proposals(project=project, user=project.created_by)
            promoting = beside(lambda: promote(version=candidate, user=project.created_by), pool)
        assert promoting.result(timeout=20) == candidate
    first.refresh_from_db()
    assert first.state == "cancelled"
    assert InferenceJob.objects.get(state="queued").model_version == candidate


def test_two_projects_of_one_name_at_once_get_two_addresses() -> None:
    lead = make_user()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first = create_project(user=lead, name="Valley", legend=LEGEND)
            making = beside(lambda: create_project(user=lead, name="Valley", legend=LEGEND), pool)
        second = making.result(timeout=20)
    assert (first.slug, second.slug) == ("valley", "valley-2")
    assert second.memberships.count() == 1
    assert promoted_version(second.pk).number == 1
