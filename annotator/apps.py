"""Django's configuration of the one app and of its admin site."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class AnnotatorConfig(AppConfig):
    name = "annotator"
    verbose_name = "Milpa"


class MilpaAdminConfig(AdminConfig):
    default_site = "annotator.admin.site.MilpaAdminSite"

    def ready(self) -> None:
        super().ready()
        # Not in `annotator.admin` itself: the site is looked up there, and must exist before rows register.
        from annotator.admin import registry  # noqa: F401
