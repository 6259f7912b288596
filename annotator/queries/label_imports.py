from __future__ import annotations

from typing import Any

from annotator.models import LabelImport


def import_document(row: LabelImport) -> dict[str, Any]:
    """The import with what its file holds, what was chosen, and what became of it."""
    return {
        "id": row.pk,
        "file_name": row.file_name,
        "state": row.state,
        "is_active": row.is_active,
        "is_given_up": row.is_given_up,
        "reading": row.reading,
        "preview": row.preview,
        "mapping": row.mapping,
        "report": row.report,
        "done": row.done,
        "total": row.total,
        "message": row.message,
        "requested_by": row.requested_by.get_username(),
        "requested_at": row.requested_at,
        "ended_at": row.ended_at,
    }
