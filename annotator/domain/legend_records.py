"""Legends as runs, versions and evaluations keep them, and what old masks say under a new one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from annotator.domain.masks import UNSURE, Mask
from annotator.models import LabelClass, ModelVersion, Review

FIELDS = ("value", "name", "color", "is_boundary")


def legend_record(classes: Sequence[LabelClass]) -> list[dict[str, Any]]:
    """The classes as a JSON field keeps them."""
    return [{name: getattr(one, name) for name in FIELDS} for one in classes]


def classes_of(record: Sequence[Mapping[str, Any]]) -> list[LabelClass]:
    """The classes of a record, as rows that are not saved."""
    return [LabelClass(**one) for one in record]


def hidden_values(revision_ids: Collection[int], classes: Sequence[LabelClass]) -> dict[str, list[int]]:
    """By revision id, the values that do not teach: a mask that was approved before a class was added may hold
    that class's land under another value. Revisions without any are left out.
    """
    newest = max(one.added_at for one in classes)
    reviews = Review.objects.filter(revision__in=revision_ids, decided_at__lt=newest)
    return {
        str(revision_id): sorted({c.drawn_before_as for c in classes if c.added_at > decided_at})
        for revision_id, decided_at in reviews.values_list("revision_id", "decided_at")
    }


def teachable(mask: Mask, classes: Sequence[LabelClass], hidden: Collection[int]) -> Mask:
    """The mask with 255 where its value is hidden or is no class of the legend."""
    values = [one.value for one in classes if one.value not in hidden]
    return np.where(np.isin(mask, values), mask, np.uint8(UNSURE))


def known_classes(version: ModelVersion, classes: Sequence[LabelClass]) -> list[LabelClass]:
    """Those of the classes that the version was taught; all of them for a base version, which was taught none."""
    if version.parent_id is None:
        return list(classes)
    known = {one["value"] for one in version.provenance.get("legend", ())}
    if not known:
        # Made before versions kept their legend.
        born = dict(LabelClass.objects.filter(project_id=version.project_id).values_list("value", "added_at"))
        known = {value for value, added_at in born.items() if added_at <= version.created_at}
    return [one for one in classes if one.value in known]
