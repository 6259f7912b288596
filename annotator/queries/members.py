from __future__ import annotations

from typing import Any

from annotator.models import Membership


def member_document(membership: Membership) -> dict[str, Any]:
    """A role of a person in a project."""
    return {"id": membership.pk, "user": membership.user.get_username(), "role": membership.role}
