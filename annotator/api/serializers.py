"""What the API takes; what it answers with is in `annotator.queries.documents`."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework_gis.fields import GeometryField

from annotator.api.answers import document
from annotator.domain.claims import Lease
from annotator.enums import ExportKind, Verdict
from annotator.queries.document_types import ExportParameters


class IdField(serializers.IntegerField):
    """The id of a row, which the database can look for."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=2**63 - 1, **options)


@extend_schema_field(
    {
        "type": "object",
        "description": "A GeoJSON geometry in degrees.",
        "properties": {
            "type": {"type": "string", "enum": ["Polygon", "MultiPolygon"]},
            "coordinates": {"type": "array"},
        },
        "required": ["type", "coordinates"],
    }
)
class AreaField(GeometryField):
    """An area on the ground as GeoJSON."""


class LegendClassInput(serializers.Serializer):
    value = serializers.IntegerField(min_value=0, max_value=31)
    name = serializers.CharField(max_length=60)
    color = serializers.CharField(max_length=7)
    is_boundary = serializers.BooleanField(default=False)


class ProjectInput(serializers.Serializer):
    name = serializers.CharField(max_length=120)
    description = serializers.CharField(required=False, allow_blank=True, default="")
    patch_zoom = serializers.IntegerField(required=False, allow_null=True, default=None)
    area_of_interest = AreaField(required=False, allow_null=True, default=None)
    legend = LegendClassInput(many=True)


class SceneInput(serializers.Serializer):
    file = serializers.FileField(required=False, default=None, allow_empty_file=True)
    source = serializers.CharField(required=False, default="", max_length=1000)
    name = serializers.CharField(required=False, default="", max_length=120)
    acquired_on = serializers.DateField(required=False, default=None)


class SceneChange(serializers.Serializer):
    name = serializers.CharField(required=False, max_length=120)
    acquired_on = serializers.DateField(required=False)
    display_bands = serializers.ListField(child=serializers.IntegerField(), required=False)
    stretch = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()), required=False
    )
    band_names = serializers.ListField(
        child=serializers.CharField(allow_blank=True),
        required=False,
        help_text="One for each band, in order.",
    )


class PlaceInput(serializers.Serializer):
    east_m = serializers.FloatField()
    north_m = serializers.FloatField()


class JobInput(serializers.Serializer):
    scene = IdField(required=False, allow_null=True, default=None)


@extend_schema_field(document(ExportParameters))
class ExportParametersField(serializers.DictField):
    """What a kind of export knows; others are refused by a sentence that names those."""


class ExportInput(serializers.Serializer):
    kind = serializers.ChoiceField(ExportKind.choices)
    parameters = ExportParametersField(required=False, default=dict)


class LabelFileInput(serializers.Serializer):
    file = serializers.FileField()
    crs = serializers.CharField(required=False, default="", max_length=4000, allow_blank=True)
    encoding = serializers.CharField(required=False, default="", max_length=40, allow_blank=True)
    swap_axes = serializers.BooleanField(required=False, default=False)


class MappingInput(serializers.Serializer):
    attribute = serializers.CharField(required=False, default="", max_length=200, allow_blank=True)
    classes = serializers.DictField(child=serializers.IntegerField(min_value=0, max_value=255))
    outside = serializers.IntegerField(required=False, default=255)
    outline_px = serializers.IntegerField(required=False, default=0)
    approve = serializers.BooleanField(required=False, default=False)


class ClaimInput(serializers.Serializer):
    patch = IdField(required=False, allow_null=True, default=None)
    besides = serializers.ListField(child=IdField(), max_length=200, default=list)
    lease = serializers.ChoiceField([Lease.WORK.value, Lease.AHEAD.value], default=Lease.WORK.value)


class FieldClaimsInput(serializers.Serializer):
    count = serializers.IntegerField(min_value=1, max_value=1000)


class HeartbeatInput(serializers.Serializer):
    lease = serializers.ChoiceField([Lease.WORK.value, Lease.AHEAD.value], default=Lease.WORK.value)


class ReleaseInput(serializers.Serializer):
    skipped = serializers.BooleanField(default=True)


class SaveParameters(serializers.Serializer):
    submit = serializers.BooleanField(default=False)
    seconds = serializers.IntegerField(min_value=0, max_value=86_400, default=0)
    strokes = serializers.IntegerField(min_value=0, max_value=1_000_000, default=0)
    proposal = IdField(required=False, allow_null=True, default=None)


class PinInput(serializers.Serializer):
    x = serializers.IntegerField(min_value=0, max_value=255)
    y = serializers.IntegerField(min_value=0, max_value=255)
    text = serializers.CharField(max_length=1000)


class AnswerInput(serializers.Serializer):
    text = serializers.CharField(max_length=1000)


class FixInput(serializers.Serializer):
    comment = serializers.CharField(required=False, allow_blank=True, default="", max_length=4000)
    revision = serializers.IntegerField(min_value=1)


class ReviewInput(serializers.Serializer):
    pins = PinInput(many=True, max_length=50, required=False, default=list)
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    comment = serializers.CharField(required=False, allow_blank=True, default="", max_length=4000)
    revision = serializers.IntegerField(min_value=1)


class CommentInput(serializers.Serializer):
    comment = serializers.CharField(required=False, allow_blank=True, default="", max_length=4000)


class ReasonInput(serializers.Serializer):
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=4000)


class RollbackInput(ReasonInput):
    expected_number = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=1)


class PromotionInput(ReasonInput):
    override_reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=4000)


class RunInput(serializers.Serializer):
    config = serializers.DictField(required=False, default=dict)
