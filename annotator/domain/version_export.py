"""A model version on its way out: what is told of it, from its own records, and the archive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from annotator import inference
from annotator.domain.gate import REGION_LEVELS
from annotator.errors import NotReady
from annotator.imagery.grid import context_tile, lonlat_bounds, quadkey
from annotator.models import LabelClass, ModelVersion, Patch
from annotator.queries.labels import legend_of


@dataclass(frozen=True)
class VersionArchive:
    """A ZIP that is made while it is sent: its file name, and its bytes piece after piece."""

    file_name: str
    pieces: Iterator[bytes]


def export_version(*, version: ModelVersion) -> VersionArchive:
    """The version with its adapter, card, legend and STAC Item; the same bytes whenever it is asked for.

    Raises NotReady for a version without an adapter, or one whose files are gone.
    """
    if version.adapter_path is None:
        raise NotReady(
            f"Version {version.number} is the base model itself, so there is no adapter to export. Export a "
            "version that a training run made."
        )
    record = version_record(version)
    try:
        pieces = inference.version_archive(record, version.adapter_path)
    except inference.MethodError as error:
        raise NotReady(str(error)) from error
    return VersionArchive(f"{record.name}.zip", pieces)


def version_record(version: ModelVersion) -> inference.VersionRecord:
    """What is told of a version: nothing of people, and nothing that changes after it was made."""
    made = version.provenance
    validation, replay = (set(made.get(name, ())) for name in ("validation_revisions", "replay_revisions"))
    training = set(made.get("training_revisions", ())) - validation
    return inference.VersionRecord(
        name=f"milpa-{version.project.slug}-v{version.number}",
        made_at=version.created_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        base=_public_base(version.base),
        parent=f"version {version.parent.number}" if version.parent else "",
        legend=inference.legend_for(_legend(version)),
        temperature=version.temperature,
        config=_config(made),
        data_hash=made.get("data_hash", ""),
        patch_count=len(training),
        replay_count=len(replay & training),
        validation_count=len(validation),
        regions=_regions(training | validation),
        measured=_measured(version),
        verdict=version.verdict,
    )


def _public_base(base: str) -> str:
    """A hub name as it is, of a folder its own name: where it lies on this machine is nobody's business."""
    if not base:
        return inference.STARTER_NAME
    is_folder = Path(base).is_absolute() or Path(base).is_dir()
    return Path(base).name if is_folder else base


def _legend(version: ModelVersion) -> Sequence[LabelClass]:
    """The classes that the version was taught; the project's present ones where it did not keep them."""
    kept = version.provenance.get("legend")
    return [LabelClass(**one) for one in kept] if kept else legend_of(version.project_id)


def _config(made: dict[str, Any]) -> dict[str, Any]:
    """The config with the precision that ``auto`` came to, and the step whose adapter was kept."""
    found = {name: made[name] for name in ("precision", "best_step") if name in made}
    return {**made.get("config", {}), **found}


def _regions(revision_ids: set[int]) -> tuple[inference.Region, ...]:
    tiles = Patch.objects.filter(annotation__revisions__in=revision_ids).values_list("x", "y", "z")
    counts = Counter(context_tile(*tile, REGION_LEVELS) for tile in tiles)
    regions = (
        inference.Region(quadkey(*tile), _rounded(lonlat_bounds(*tile)), count)
        for tile, count in counts.items()
    )
    return tuple(sorted(regions, key=lambda region: region.key))


def _rounded(bounds: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Degrees to about a decimetre: the last digits of a sine differ between machines."""
    west, south, east, north = (round(degrees, 6) for degrees in bounds)
    return west, south, east, north


def _measured(version: ModelVersion) -> tuple[inference.Measured, ...]:
    """Parent and version as the run that made it measured them; later runs measure it again on other patches."""
    run = getattr(version, "made_by", None)
    if run is None:
        return ()
    evaluations = run.evaluations.select_related("model_version")
    return tuple(
        inference.Measured(str(e.model_version), e.patch_count, {**e.metrics, "miou": e.miou})
        for e in sorted(evaluations, key=lambda e: e.model_version_id == version.pk)
    )
