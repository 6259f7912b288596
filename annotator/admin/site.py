"""The admin site of ML staff and leads."""

from django.contrib.admin import AdminSite


class MilpaAdminSite(AdminSite):
    site_header = "Milpa administration"
    site_title = "Milpa"
    index_title = "Models, runs and projects"
