"""What lists are narrowed by: query parameters that are checked and become conditions of the rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib.gis.geos import Polygon
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request

from annotator.api.boxes import bounds_in
from annotator.enums import ExportKind, ImportState, JobState, ParcelOrigin, Role, RunState, SceneState

_MOST = 2**31 - 1


class Narrowing(serializers.Serializer):
    """Query parameters, all optional; ``lookups`` has those whose condition is not equality with a field."""

    lookups: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def conditions(cls, request: Request) -> dict[str, Any]:
        """What rows are filtered by; a parameter without a value narrows nothing. Raises ValidationError."""
        given = cls(data={name: value for name, value in request.query_params.items() if value})
        given.is_valid(raise_exception=True)
        return {cls.lookups.get(name, name): value for name, value in given.validated_data.items()}

    @classmethod
    def of(cls, request: Request, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(**cls.conditions(request))


class BoxField(serializers.CharField):
    """West, south, east, north in degrees; a polygon in EPSG:4326."""

    def to_internal_value(self, data: Any) -> Polygon:
        bounds = bounds_in(super().to_internal_value(data))
        box = Polygon.from_bbox(bounds)
        box.srid = 4326
        return box


class JobNarrowing(Narrowing):
    state = serializers.ChoiceField(JobState.choices, required=False)


class RunNarrowing(Narrowing):
    state = serializers.ChoiceField(RunState.choices, required=False)


class ImportNarrowing(Narrowing):
    state = serializers.ChoiceField(ImportState.choices, required=False)


class ExportNarrowing(JobNarrowing):
    kind = serializers.ChoiceField(ExportKind.choices, required=False)


class SceneNarrowing(Narrowing):
    lookups = {
        "bbox": "footprint__intersects",
        "acquired_from": "acquired_on__gte",
        "acquired_to": "acquired_on__lte",
    }
    state = serializers.ChoiceField(SceneState.choices, required=False)
    bbox = BoxField(required=False, help_text="west,south,east,north in degrees: the scenes that meet it")
    acquired_from = serializers.DateField(required=False, help_text="the first day")
    acquired_to = serializers.DateField(required=False, help_text="the last day")


class MemberNarrowing(Narrowing):
    lookups = {"user": "user__username"}
    role = serializers.ChoiceField(Role.choices, required=False)
    user = serializers.CharField(required=False, max_length=150, help_text="A user name.")


class ParcelNarrowing(Narrowing):
    lookups = {
        "area_m2_min": "area_m2__gte",
        "area_m2_max": "area_m2__lte",
        "confidence_min": "confidence__gte",
        "confidence_max": "confidence__lte",
    }
    value = serializers.IntegerField(
        required=False, min_value=0, max_value=255, help_text="The value of a class."
    )
    origin = serializers.ChoiceField(ParcelOrigin.choices, required=False)
    area_m2_min = serializers.FloatField(required=False, min_value=0, max_value=_MOST)
    area_m2_max = serializers.FloatField(required=False, min_value=0, max_value=_MOST)
    confidence_min = serializers.FloatField(required=False, min_value=0, max_value=1)
    confidence_max = serializers.FloatField(required=False, min_value=0, max_value=1)
