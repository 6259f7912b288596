"""A model version's line: itself, its parent, and so on to the base version."""

from __future__ import annotations

from annotator.models import ModelVersion


def line_of(version: ModelVersion) -> list[ModelVersion]:
    """The versions from this one to the base version, read at once whatever their number."""
    rows = {row.pk: row for row in ModelVersion.objects.filter(project_id=version.project_id)}
    line, next_id = [], version.pk
    while next_id is not None:
        line.append(rows[next_id])
        next_id = rows[next_id].parent_id
    return line


def learned_revisions(version: ModelVersion) -> set[int]:
    """The ids of the revisions that some version of the line learned from or validated on."""
    return {pk for made in line_of(version) for pk in made.provenance.get("training_revisions", ())}
