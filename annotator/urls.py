"""All addresses of the application."""

from django.contrib import admin
from django.urls import include, path

from annotator.api import features
from annotator.api.desk_tiles import DeskTile
from annotator.api.health import healthz
from annotator.api.tiles import parcel_tile, patch_tile, scene_tile

handler400 = "annotator.api.missing.bad_request"
handler404 = "annotator.api.missing.not_found"
handler500 = "annotator.api.missing.server_error"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("annotator.api.urls")),
    path("tiles/scenes/<int:scene_id>/<int:z>/<int:x>/<int:y>", scene_tile),
    path("tiles/projects/<slug:slug>/patches/<int:z>/<int:x>/<int:y>", patch_tile),
    path("tiles/projects/<slug:slug>/desk/<int:z>/<int:x>/<int:y>", DeskTile.as_view()),
    path("tiles/projects/<slug:slug>/parcels/<int:z>/<int:x>/<int:y>", parcel_tile),
    path("ogc/projects/<slug:slug>", features.Landing.as_view()),
    path("ogc/projects/<slug:slug>/", features.Landing.as_view()),
    path("ogc/projects/<slug:slug>/conformance", features.Conformance.as_view()),
    path("ogc/projects/<slug:slug>/collections", features.Collections.as_view()),
    path("ogc/projects/<slug:slug>/collections/<slug:name>", features.CollectionDetail.as_view()),
    path("ogc/projects/<slug:slug>/collections/<slug:name>/items", features.Items.as_view()),
    path("ogc/projects/<slug:slug>/collections/<slug:name>/items/<int:feature_id>", features.Item.as_view()),
    path("healthz", healthz),
    path("", include("annotator.web.urls")),
]
