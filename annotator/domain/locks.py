from __future__ import annotations

from annotator.models import Project


def lock_project(project_id: int) -> Project:
    """The project, its row locked until the transaction ends: verbs that decide what is current take turns.

    Rows that only point to the project can still be written meanwhile, so that a worker that holds its job's
    row and adds an event never waits for a verb that waits for that job.
    """
    return Project.objects.select_for_update(no_key=True).get(pk=project_id)
