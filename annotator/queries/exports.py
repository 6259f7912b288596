"""The project's exports, as the API and the pages tell of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from annotator.models import Export


def told_exports() -> QuerySet[Export]:
    """Exports without what they are made of, which is long in a large project."""
    return Export.objects.defer("revisions", "basis").select_related("requested_by")


def export_document(export: Export) -> dict[str, Any]:
    """The export with what it was made from; ``file_url`` is None where there is no file to download."""
    return {
        "id": export.pk,
        "kind": export.kind,
        "parameters": export.parameters,
        "state": export.state,
        "is_active": export.is_active,
        "is_given_up": export.is_given_up,
        "done": export.done,
        "total": export.total,
        "message": export.message,
        "file_name": export.file_name,
        "file_url": f"/api/v1/exports/{export.pk}/file/" if export.has_file else None,
        "size_bytes": export.size_bytes,
        "sha256": export.sha256,
        "revisions_url": f"/api/v1/exports/{export.pk}/revisions/",
        "fingerprint": export.fingerprint,
        "requested_by": export.requested_by.get_username(),
        "requested_at": export.requested_at,
        "ended_at": export.ended_at,
        "kept_until": kept_until(export),
    }


def kept_until(export: Export) -> datetime | None:
    """When its file is removed; None without a file."""
    if not export.has_file or export.ended_at is None:
        return None
    return export.ended_at + timedelta(days=settings.EXPORT_KEEP_DAYS)
