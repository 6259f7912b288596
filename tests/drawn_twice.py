"""What tests of patches that two people draw have in common."""

from __future__ import annotations

import numpy as np
from django.contrib.auth.models import User

from annotator.domain.annotations import save_mask
from annotator.domain.claims import claim_next
from annotator.models import (
    Patch,
    Revision,
)
from tests.factories import (
    mask_of,
)


def drawn(differing_rows: int) -> np.ndarray:
    """Half field, half other; so many rows of the field are other too."""
    mask = mask_of(0)
    mask[128 + differing_rows :] = 1
    return mask


def read_by(patch: Patch, user: User, mask: np.ndarray) -> Revision:
    claimed = claim_next(project=patch.project, user=user).patch
    assert claimed == patch
    return save_mask(patch=patch, user=user, mask=mask, base_number=0, submit=True)


def state_of(patch: Patch) -> tuple[str, str]:
    patch = Patch.objects.get(pk=patch.pk)
    return patch.state, patch.double.state
