"""A model version as a file to take away."""

from __future__ import annotations

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from annotator.api.access import row_for
from annotator.domain.version_export import export_version
from annotator.enums import Role
from annotator.models import ModelVersion


class ModelVersionExport(APIView):
    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request: Request, version_id: int) -> StreamingHttpResponse:
        """A ZIP of the adapter that plain PEFT loads, with a model card, the legend and a STAC Item."""
        version = row_for(request, ModelVersion, version_id, frozenset({Role.ML_STAFF}))
        archive = export_version(version=version)
        return StreamingHttpResponse(
            archive.pieces,
            content_type="application/zip",
            headers={"Content-Disposition": f'attachment; filename="{archive.file_name}"'},
        )
