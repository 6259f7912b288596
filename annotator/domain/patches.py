from __future__ import annotations

from django.contrib.gis.geos import GEOSGeometry, MultiPolygon

from annotator import inference
from annotator.domain.assignments import apply_assignments
from annotator.enums import QueueReason
from annotator.imagery.grid import patches_inside, quadkey, square
from annotator.models import Patch, Project, QueueEntry


def make_patches(*, project: Project, footprint: MultiPolygon) -> int:
    """Adds the patches inside the footprint and the area of interest that the project does not have yet.

    They join the queue in a spatially spread order until a ranking by entropy replaces it. The caller holds
    a transaction. Returns how many were made.
    """
    zoom = project.patch_zoom
    assert zoom is not None, "the caller settles the patch zoom first"
    area: GEOSGeometry = footprint
    if project.area_of_interest is not None:
        area = footprint.intersection(project.area_of_interest)
    known = set(project.patches.values_list("quadkey", flat=True))
    wanted = [(x, y, key) for x, y in patches_inside(area, zoom) if (key := quadkey(x, y, zoom)) not in known]
    drawn = inference.is_audited(tuple(key for _, _, key in wanted), project.queue_seed, project.audit_share)
    patches = Patch.objects.bulk_create(
        [
            Patch(
                project=project,
                quadkey=key,
                z=zoom,
                x=x,
                y=y,
                square=square(x, y, zoom),
                is_audit=bool(is_audit),
            )
            for (x, y, key), is_audit in zip(wanted, drawn, strict=True)
        ],
        batch_size=2000,
    )
    scores = inference.spread_scores([(p.x, p.y) for p in patches], project.queue_seed)
    QueueEntry.objects.bulk_create(
        [
            QueueEntry(patch=patch, project=project, score=score, reason=QueueReason.SPREAD)
            for patch, score in zip(patches, scores, strict=True)
        ],
        batch_size=5000,
    )
    apply_assignments(project.pk)
    return len(patches)
