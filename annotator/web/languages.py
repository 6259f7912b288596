"""The language of the pages, and the catalogue that the browser's own words come from."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.urls import reverse
from django.utils import translation
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page
from django.views.i18n import JavaScriptCatalog


class PageLanguage(LocaleMiddleware):
    """The person's choice (a cookie), else the browser's wish; the administration is in English only."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        if request.path.startswith(reverse("admin:index")):
            translation.activate(settings.LANGUAGE_CODE)
            request.LANGUAGE_CODE = settings.LANGUAGE_CODE


@method_decorator([cache_control(public=True, max_age=600), conditional_page], name="dispatch")
class Catalogue(JavaScriptCatalog):
    """The messages of one language as a script; the language is in the address, so that it can be kept."""

    packages = ["annotator"]

    def get(self, request: HttpRequest, *args: Any, language: str, **kwargs: Any) -> HttpResponse:
        if language not in dict(settings.LANGUAGES):
            raise Http404
        with translation.override(language):
            return super().get(request, *args, **kwargs)
