"""What an export is made of: settled when it is asked for, read when it is made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any

from django.contrib.auth.models import User
from django.contrib.gis.geos import Polygon
from django.db.models import Q, QuerySet

from annotator import inference
from annotator.domain.legend_records import classes_of, hidden_values, legend_record, teachable
from annotator.domain.masks import Mask, values_of
from annotator.domain.parcel_pieces import keys_of, with_neighbours
from annotator.domain.round_data import RoundRecord, imagery_record, labelled_patch, scenes_of
from annotator.domain.sides import block_of, likely_side, recorded_sides
from annotator.enums import ExportKind
from annotator.errors import BadExport, NothingToExport, NotReady
from annotator.exports.contents import ApprovedPatch, Contents
from annotator.exports.forms import PARCEL_KINDS
from annotator.exports.mosaic import GRID_OF_PATCHES, settled_grid
from annotator.inference import LabelledPatch
from annotator.models import Export, ParcelPiece, Project, Revision, Scene
from annotator.queries.labels import approved_revisions, legend_of
from annotator.queries.scenes import default_scene
from annotator.queries.versions import promoted_version

READ_AT_ONCE = 64


def settle_contents(project: Project, kind: ExportKind, parameters: dict[str, Any]) -> Export:
    """An unsaved export of the approved masks as they are now. Raises NothingToExport, BadExport or NotReady."""
    approved = approved_revisions(project.pk).defer("mask_png", "proposal__scene__footprint")
    rows = list(approved.filter(_wanted(project, kind, parameters["bbox"])))
    if not rows:
        raise NothingToExport(
            "No approved patch lies there, so there is nothing to export. Approve patches, or name another area."
        )
    classes = legend_of(project.pk)
    ids = [row.pk for row in rows]
    recorded = recorded_sides(project.pk)
    blocks = {block_of(row.annotation.drawn_patch.quadkey) for row in rows}
    teaches = kind == ExportKind.INSTRUCTION
    basis: dict[str, Any] = {
        "legend": legend_record(classes),
        "project": {"slug": project.slug, "name": project.name, "description": project.description},
        "sides": {block: str(likely_side(block, recorded)) for block in sorted(blocks)},
        "hidden_values": hidden_values(ids, classes) if teaches else {},
        "context_levels": 0,
        "scenes": {str(row.proposal.scene_id): row.proposal.scene.name for row in rows if row.proposal},
    }
    if parameters["names"]:
        people = User.objects.filter(pk__in={row.author_id for row in rows})
        basis["people"] = {str(user.pk): user.get_username() for user in people}
    if teaches or parameters.get("images"):
        basis["imagery"] = _imagery(project, rows)
    if teaches and (version := promoted_version(project.pk)):
        basis["context_levels"] = version.context_levels
    if kind in PARCEL_KINDS and parameters["bbox"]:
        basis["beside"] = _beside(approved, rows)
    if kind == ExportKind.GEOTIFF:
        scene = _scene(project.pk, parameters["grid"])
        patches = [row.annotation.drawn_patch for row in rows]
        settled_grid(patches, scene, is_cut=parameters["bbox"] is not None)
        if scene is not None:
            basis["shift_m"] = list(scene.shift_m)
    export = Export(
        project=project, kind=kind, parameters=parameters, revisions=ids, basis=basis, total=len(ids)
    )
    export.fingerprint = _fingerprint(export)
    return export


def contents_of(export: Export) -> Contents:
    """What the export is made of. Raises NotReady, naming what is gone, where it cannot be read any more."""
    classes = classes_of(export.basis["legend"])
    scene = _scene(export.project_id, export.parameters.get("grid", GRID_OF_PATCHES))
    if scene is not None:
        scene.shift_m = export.basis["shift_m"]
    return Contents(
        name=f"milpa-{export.basis['project']['slug']}-{export.kind}-{export.fingerprint[:8]}",
        project=export.basis["project"],
        kind=export.kind,
        parameters=export.parameters,
        legend=inference.legend_for(classes),
        patches=tuple(_patches(export)),
        read_masks=lambda patches: _masks(export, patches),
        read_images=lambda patches: _images(export, patches),
        scene=scene,
    )


def _wanted(project: Project, kind: ExportKind, bbox: Sequence[float] | None) -> Q:
    """Which approved masks: those of patches that meet the box, and of all patches that its parcels lie in."""
    if not bbox:
        return Q()
    box = box_of(bbox)
    in_box = Q(annotation__patch__square__intersects=box)
    if kind not in PARCEL_KINDS:
        return in_box
    pieces = ParcelPiece.objects.filter(parcel__project=project, parcel__outline__intersects=box)
    return in_box | Q(annotation__patch__in=pieces.values("patch"))


def _beside(approved: QuerySet[Revision], rows: Sequence[Revision]) -> list[int]:
    """The masks around those of the rows: parcels' lines depend on them, too."""
    patches = [row.annotation.drawn_patch for row in rows]
    known = {patch.quadkey for patch in patches}
    around = set(keys_of(with_neighbours((patch.x, patch.y) for patch in patches), patches[0].z)) - known
    beside = approved.filter(annotation__patch__quadkey__in=around)
    return list(beside.values_list("pk", flat=True))


def box_of(bbox: Sequence[float]) -> Polygon:
    """The box of west, south, east, north in degrees, in EPSG:3857."""
    west, south, east, north = bbox
    box = Polygon.from_bbox((west, south, east, north))
    box.srid = 4326
    box.transform(3857)
    return box


def _imagery(project: Project, revisions: list[Revision]) -> dict[str, Any]:
    scene = default_scene(project.pk)
    if scene is None:
        raise NotReady(
            "Images need a scene, and the project has none that is ready. Add one, or export without images."
        )
    return imagery_record(revisions, scene)


def _scene(project_id: int, grid: int | str) -> Scene | None:
    """The scene whose grid it is, None for the grid of the patches. Raises BadExport."""
    if grid == GRID_OF_PATCHES:
        return None
    scene = Scene.objects.filter(project_id=project_id, pk=grid, state="ready").first()
    if scene is None or not scene.cog_path.is_file():
        raise BadExport(
            f"The project has no ready scene {grid} whose grid could be taken. Name another scene, or "
            f"“{GRID_OF_PATCHES}”.",
            field="grid",
        )
    return scene


def _fingerprint(export: Export) -> str:
    told = [export.kind, export.parameters, export.revisions, export.basis]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _patches(export: Export) -> Iterator[ApprovedPatch]:
    rows = (
        Revision.objects.filter(pk__in=export.revisions)
        .select_related("annotation__patch", "author", "proposal__model_version", "proposal__scene")
        .only(
            "number",
            "saved_at",
            "is_import",
            "pixels_changed",
            "author__username",
            "annotation__patch__quadkey",
            "annotation__patch__z",
            "annotation__patch__x",
            "annotation__patch__y",
            "proposal__model_version__number",
            "proposal__scene__name",
        )
        .order_by("annotation__patch__quadkey")
    )
    found = 0
    for row in rows.iterator(chunk_size=2000):
        found += 1
        yield _patch(row, export)
    if found < len(export.revisions):
        raise NotReady(
            f"{len(export.revisions) - found} of its masks are gone since it was asked for. Export again."
        )


def _patch(row: Revision, export: Export) -> ApprovedPatch:
    patch, proposal = row.annotation.drawn_patch, row.proposal
    return ApprovedPatch(
        quadkey=patch.quadkey,
        z=patch.z,
        x=patch.x,
        y=patch.y,
        side=export.basis["sides"][block_of(patch.quadkey)],
        revision=row.pk,
        number=row.number,
        author=author_name(row.author, export),
        saved_at=row.saved_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        is_import=row.is_import,
        model_version=proposal.model_version.number if proposal else None,
        scene=_scene_name(proposal.scene, export) if proposal else None,
        pixels_changed=row.pixels_changed,
    )


def author_name(user: User, export: Export) -> str:
    """What the export calls the person: by a number, unless names are wanted, then as it was recorded."""
    if not export.parameters["names"]:
        return f"person-{user.pk}"
    return str(_recorded("people", user.pk, export) or user.get_username())


def _scene_name(scene: Scene, export: Export) -> str:
    return str(_recorded("scenes", scene.pk, export) or scene.name)


def _recorded(names: str, pk: int, export: Export) -> str | None:
    """None in rows from before names were recorded."""
    name: str | None = export.basis.get(names, {}).get(str(pk))
    return name


def _masks(export: Export, patches: Sequence[ApprovedPatch]) -> Iterator[Mask]:
    """The masks with 255 for classes that the export's legend does not have, some read at a time."""
    classes = classes_of(export.basis["legend"])
    for start in range(0, len(patches), READ_AT_ONCE):
        wanted = [patch.revision for patch in patches[start : start + READ_AT_ONCE]]
        found = dict(Revision.objects.filter(pk__in=wanted).values_list("pk", "mask_png"))
        for revision in wanted:
            if revision not in found:
                raise NotReady("Some of its masks are gone since it was asked for. Export again.")
            yield teachable(values_of(found[revision]), classes, ())


def _images(export: Export, patches: Sequence[ApprovedPatch]) -> Iterator[LabelledPatch]:
    record = _round_record(export.basis)
    scenes = scenes_of(record.imagery)
    others, default = record.imagery["others"], record.imagery["scene"]
    for start in range(0, len(patches), READ_AT_ONCE):
        wanted = [patch.revision for patch in patches[start : start + READ_AT_ONCE]]
        rows = Revision.objects.select_related("annotation__patch").in_bulk(wanted)
        for revision in wanted:
            scene = scenes[others.get(str(revision), default)]
            yield labelled_patch(rows[revision], scene, record)


def _round_record(basis: Mapping[str, Any]) -> RoundRecord:
    return RoundRecord(
        legend=basis["legend"],
        hidden_values=basis["hidden_values"],
        imagery=basis["imagery"],
        training=(),
        replay=(),
        validation=(),
        context_levels=basis["context_levels"],
    )
