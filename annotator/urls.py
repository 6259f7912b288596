"""All addresses of the application."""

from django.contrib import admin
from django.urls import include, path

from annotator.api.health import healthz

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("annotator.api.urls")),
    path("healthz", healthz),
    path("", include("annotator.web.urls")),
]
