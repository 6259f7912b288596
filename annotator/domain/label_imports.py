"""Labels that exist already: a file is brought, its values are told to classes, and masks are made of it."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from annotator.domain.dispatch import enqueue
from annotator.domain.events import move, record_event
from annotator.domain.imports import MIN_COVERED_SHARE, import_mask
from annotator.domain.label_places import check_place, dropped_of, features_elsewhere
from annotator.domain.leases import signs_of_life, take_lease
from annotator.domain.masks import UNSURE, Mask
from annotator.enums import IMPORT_TRANSITIONS, ImportState, PatchState
from annotator.errors import BadLabels, ClaimLost, IllegalTransition, MilpaError
from annotator.imagery.label_files import LabelFile, ReadTile, open_labels
from annotator.imagery.vector_files import Reading
from annotator.models import LabelImport, Patch, Project, Revision
from annotator.models.job import MAX_TAKEOVERS
from annotator.queries.labels import legend_of

TOLD_EVERY = 16
MAX_OUTLINE_PX = 8


@dataclass(frozen=True)
class Mapped:
    """How an import's values become masks.

    ``classes``: by value of the ``attribute``, the class value; values that are left out become unsure, and are
    told in the report. ``outside``: the value of land without a label, 0 or 255. ``outline_px``: polygons get an
    outline of the boundary class, so many pixels wide. ``approve``: the masks are approved at once, else they
    wait for review.
    """

    attribute: str
    classes: Mapping[str, int] = field(default_factory=dict)
    outside: int = UNSURE
    outline_px: int = 0
    approve: bool = False


def bring_labels(
    *, project: Project, user: User, upload: UploadedFile[bytes], reading: Mapping[str, Any] | None = None
) -> LabelImport:
    """Takes a file in and looks at it; nothing becomes of it before `start_import`. Raises BadLabels."""
    name = Path(upload.name or "labels").name[:160]
    if (upload.size or 0) > settings.LABEL_UPLOAD_MAX_BYTES:
        raise BadLabels(
            f"The file is larger than {settings.LABEL_UPLOAD_MAX_BYTES / 2**20:,.0f} MiB. Cut it into parts, or have "
            "the operator raise LABEL_UPLOAD_MAX_BYTES."
        )
    # Nothing but the ending is the stranger's.
    stored = f"{uuid.uuid4().hex}{Path(name).suffix.lower()[:12]}"
    row = LabelImport(project=project, file_name=name, stored_name=stored, requested_by=user)
    row.reading = asdict(Reading(**(reading or {})))
    row.file_path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with row.file_path.open("wb") as file:
            for chunk in upload.chunks():
                file.write(chunk)
        labels = open_labels(row.file_path, Reading(**row.reading))
        check_place(project, labels)
        dropped = dropped_of(project.pk, labels)
    except BaseException:
        row.file_path.unlink(missing_ok=True)
        raise
    row.preview = {
        "kind": labels.kind,
        "attributes": {name: dict(values) for name, values in labels.attributes.items()},
        "dropped": dropped,
        "repaired": labels.repaired,
        "attributes_left_out": list(labels.attributes_left_out),
    }
    with transaction.atomic():
        row.save()
        record_event(row, "uploaded", actor=user, to_state=ImportState.UPLOADED, file=name)
    return row


def start_import(*, label_import: LabelImport, user: User, mapped: Mapped) -> LabelImport:
    """Begins to make masks of the file. Raises BadLabels for a mapping that cannot be, IllegalTransition."""
    _check(label_import, mapped)
    with transaction.atomic():
        row = LabelImport.objects.select_for_update().get(pk=label_import.pk)
        row.mapping, row.requested_by = asdict(mapped), user
        row.heartbeat_at = timezone.now()
        move(
            row,
            ImportState.QUEUED,
            IMPORT_TRANSITIONS,
            "requested",
            actor=user,
            fields=("mapping", "requested_by", "heartbeat_at"),
            approve=mapped.approve,
        )
        enqueue("import_labels", row.pk)
    return row


def cancel_import(*, label_import: LabelImport, user: User) -> LabelImport:
    """Ends the import within a few patches; the masks that it made stay. Raises IllegalTransition."""
    with transaction.atomic():
        row = LabelImport.objects.select_for_update().get(pk=label_import.pk)
        if row.state not in (ImportState.UPLOADED, ImportState.QUEUED, ImportState.RUNNING):
            raise IllegalTransition(
                f"The import is {row.get_state_display()}; there is nothing to cancel.", state=row.state
            )
        _end(row, ImportState.CANCELLED, "Cancelled; the masks that were made stay.", actor=user)
    row.file_path.unlink(missing_ok=True)
    return row


def remove_forgotten_imports() -> int:
    """Ends imports that were uploaded and not begun within ``EXPORT_KEEP_DAYS``, and removes files of those that were
    given up and not tried again. Returns how many it ended."""
    limit = timezone.now() - timedelta(days=settings.EXPORT_KEEP_DAYS)
    for given_up in LabelImport.objects.filter(
        state=ImportState.FAILED, takeovers__gt=MAX_TAKEOVERS, ended_at__lt=limit
    ):
        given_up.file_path.unlink(missing_ok=True)
    forgotten = LabelImport.objects.filter(state=ImportState.UPLOADED, requested_at__lt=limit)
    for row in forgotten:
        with transaction.atomic():
            row = LabelImport.objects.select_for_update().get(pk=row.pk)
            if row.state != ImportState.UPLOADED:
                continue
            _end(row, ImportState.CANCELLED, "Nobody said what its values are; bring it again.", actor=None)
        row.file_path.unlink(missing_ok=True)
    return len(forgotten)


def import_labels(import_id: int) -> None:
    """Does the import, or goes on with it where a lost worker left it; a patch is imported once."""
    row = take_lease(
        LabelImport,
        import_id,
        waiting=ImportState.QUEUED,
        working=(ImportState.RUNNING,),
        becomes=ImportState.RUNNING,
        give_up=_give_up,
    )
    if row is None:
        return
    try:
        with signs_of_life(LabelImport.objects.filter(pk=row.pk, state=ImportState.RUNNING)):
            report = _import_all(row)
    except (MilpaError, OSError) as error:
        _finish(row, ImportState.FAILED, str(error), {})
    except Exception:
        _finish(
            row, ImportState.FAILED, "The import failed unexpectedly. The worker's log has the details.", {}
        )
        raise
    else:
        if report is not None:
            _finish(row, ImportState.SUCCEEDED, f"Patches imported: {report['imported']}.", report)


def _check(row: LabelImport, mapped: Mapped) -> None:
    attributes = row.preview["attributes"]
    known = {c.value for c in legend_of(row.project_id)} | {UNSURE}
    if mapped.attribute not in attributes:
        known_names = ", ".join(filter(None, attributes))
        raise BadLabels(f"The file has no attribute “{mapped.attribute}”. It has {known_names}.")
    if not set(mapped.classes.values()) - {UNSURE}:
        raise BadLabels("No value is told to a class. Name a class for at least one of them.")
    if wrong := sorted(set(mapped.classes) - set(attributes[mapped.attribute])):
        raise BadLabels(f"The attribute has no value “{wrong[0]}”.")
    if wrong_classes := sorted(set(mapped.classes.values()) - known):
        raise BadLabels(f"The legend has no class {wrong_classes[0]}. Choose one of the legend's classes.")
    if mapped.outside not in (0, UNSURE):
        raise BadLabels("Land without a label becomes 0, the null class, or 255, unsure.")
    if not 0 <= mapped.outline_px <= MAX_OUTLINE_PX:
        raise BadLabels(f"Outlines are 0 to {MAX_OUTLINE_PX} px wide.")
    if mapped.outline_px and not any(c.is_boundary for c in legend_of(row.project_id)):
        raise BadLabels("The legend has no boundary class to draw outlines with. Take an outline of 0 px.")


def _import_all(row: LabelImport) -> dict[str, Any] | None:
    """The report; None when somebody ended the import meanwhile."""
    labels = open_labels(row.file_path, Reading(**row.reading))
    mapped = Mapped(**row.mapping)
    lookup = _lookup(row.project_id, labels, mapped)
    read = labels.of(mapped.attribute, mapped.outline_px)
    counts: Counter[str] = Counter()
    pixels: Counter[int] = Counter()
    patches = Patch.objects.filter(project_id=row.project_id).order_by("quadkey")
    total = patches.count()
    ours = set(
        Revision.objects.filter(
            annotation__patch__project_id=row.project_id, idempotency_key=row.idempotency_key
        ).values_list("annotation__patch_id", flat=True)
    )
    for done, patch in enumerate(patches.iterator(chunk_size=500)):
        if done % TOLD_EVERY == 0 and not _tell(row, done, total):
            return None
        mask = _mask(read, patch, lookup, labels, mapped)
        outcome = "has_no_label" if mask is None else _import_one(row, patch, mask, mapped, patch.pk in ours)
        counts[outcome] += 1
        if mask is not None and outcome == "imported":
            values, found = np.unique(mask, return_counts=True)
            pixels.update(dict(zip(values.tolist(), found.tolist(), strict=True)))
    if not _tell(row, total, total):
        return None
    values_of_file = labels.attributes[mapped.attribute]
    return {
        "imported": counts["imported"],
        "patches_without_labels": counts["has_no_label"],
        "patches_with_work": counts["has_work"],
        "features_dropped": dropped_of(row.project_id, labels),
        "features_beside_all_patches": features_elsewhere(row.project_id, labels),
        "features_repaired": labels.repaired,
        "values_left_out": {v: n for v, n in values_of_file.items() if v not in mapped.classes},
        "pixels": {str(value): count for value, count in sorted(pixels.items())},
    }


def _lookup(project_id: int, labels: LabelFile, mapped: Mapped) -> Mask:
    """The class value of each code, of outlines, and at the end, which -1 names, of land without a label."""
    boundary = next((c.value for c in legend_of(project_id) if c.is_boundary), UNSURE)
    values = [mapped.classes.get(value, UNSURE) for value in labels.values(mapped.attribute)]
    return np.array([*values, boundary, mapped.outside], np.uint8)


def _mask(read: ReadTile, patch: Patch, lookup: Mask, labels: LabelFile, mapped: Mapped) -> Mask | None:
    """The patch's mask; None where the file says too little of it."""
    codes, covered = read(patch.x, patch.y, patch.z)
    if labels.is_filled:
        if covered.mean() < MIN_COVERED_SHARE:
            return None
        # What objects leave free is the null class; what a raster does not cover is unsure.
        free = UNSURE if labels.kind == "raster" else 0
        return np.where(codes < 0, np.uint8(free), lookup[codes])
    return lookup[codes] if covered.any() else None


def _import_one(row: LabelImport, patch: Patch, mask: Mask, mapped: Mapped, is_ours: bool) -> str:
    if is_ours:
        return "imported"
    if patch.state != PatchState.UNLABELLED:
        return "has_work"
    try:
        import_mask(
            patch=patch,
            user=row.requested_by,
            mask=mask,
            approve=mapped.approve,
            comment=f"imported from {row.file_name}",
            idempotency_key=row.idempotency_key,
        )
    except (ClaimLost, IllegalTransition):
        # Somebody took it up meanwhile.
        return "has_work"
    return "imported"


def _tell(row: LabelImport, done: int, total: int) -> bool:
    rows = LabelImport.objects.filter(pk=row.pk, state=ImportState.RUNNING)
    return bool(rows.update(done=done, total=total, heartbeat_at=timezone.now()))


@transaction.atomic
def _give_up(row: LabelImport, message: str) -> None:
    """The file stays, so that it can be tried again."""
    row = LabelImport.objects.select_for_update().get(pk=row.pk)
    if row.state == ImportState.RUNNING:
        _end(row, ImportState.FAILED, message, actor=None)


@transaction.atomic
def _finish(row: LabelImport, state: ImportState, message: str, report: dict[str, Any]) -> None:
    row = LabelImport.objects.select_for_update().get(pk=row.pk)
    if row.state != ImportState.RUNNING:
        return
    row.report = report
    row.save(update_fields=["report"])
    _end(row, state, message, actor=None)
    row.file_path.unlink(missing_ok=True)
    if report.get("imported"):
        # What the queue knows of labelled land has changed, and the patches that came in have left it.
        enqueue("rank_patches", row.project_id)


def _end(row: LabelImport, state: ImportState, message: str, *, actor: User | None) -> None:
    row.message = message
    row.ended_at = timezone.now()
    move(row, state, IMPORT_TRANSITIONS, str(state), actor=actor, fields=("message", "ended_at"))
