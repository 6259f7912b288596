"""Queries that are worded once answer as their querysets do."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.db.models import F

from annotator.models import Patch, Project
from annotator.queries.prepared import Prepared
from tests.factories import make_patch, make_project

pytestmark = pytest.mark.django_db


def patches_of(slug: str, number: int) -> object:
    rows = Patch.objects.filter(project__slug=slug, pk__gt=number).select_related("project", "queue_entry")
    return rows.defer("square").annotate(twice=F("x") * 2).order_by("pk")


def test_rows_come_with_all_that_the_queryset_selects(django_assert_num_queries):
    first, second = make_project(name="One"), make_project(name="Two")
    patches = [make_patch(project, score=0.5) for project in (first, first, second)]
    prepared = Prepared(patches_of, slug=str, number=int)
    for project in (first, second, first):
        wanted = list(patches_of(project.slug, patches[0].pk))
        with django_assert_num_queries(1):
            found = prepared.rows(slug=project.slug, number=patches[0].pk)
            assert [(row, row.twice, row.project.name, row.queue_entry.score) for row in found] == [
                (row, row.x * 2, project.name, 0.5) for row in wanted
            ]
        assert found[0].changed_at == wanted[0].changed_at
        assert found[0].square == wanted[0].square  # Not selected, so asked for here.


def test_a_row_that_is_not_there_is_none():
    assert Prepared(lambda slug: Project.objects.filter(slug=slug), slug=str).first(slug="nowhere") is None


def test_text_stays_text():
    make_project(name="Valley")
    by_slug = Prepared(lambda slug: Project.objects.filter(slug=slug), slug=str)
    assert by_slug.rows(slug="' OR true --") == []
    assert by_slug.rows(slug="%s") == []


@pytest.mark.parametrize("values", [{}, {"slug": "a", "more": 1}, {"number": 1}])
def test_other_values_than_the_query_has_are_refused(values):
    with pytest.raises(TypeError, match="has the values"):
        Prepared(lambda slug: Project.objects.filter(slug=slug), slug=str).rows(**values)


def test_a_query_that_loses_a_value_is_refused():
    with pytest.raises(TypeError, match="parameter of its SQL"):
        Prepared(lambda slug: Project.objects.all(), slug=str).rows(slug="valley")


@pytest.mark.django_db(transaction=True)
def test_every_thread_asks_by_its_own_connection():
    project = make_project()
    by_slug = Prepared(lambda slug: Project.objects.filter(slug=slug), slug=str)
    assert by_slug.rows(slug=project.slug) == [project]
    found = []

    def ask() -> None:
        found.extend(by_slug.rows(slug=project.slug))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [project] * 3
