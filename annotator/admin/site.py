"""The admin site of ML staff and leads."""

from django.contrib.admin import AdminSite


class MilpaAdminSite(AdminSite):
    site_header = "Milpa administration"
    site_title = "Milpa"
    # Breadcrumbs lead back, and the tables want the width.
    enable_nav_sidebar = False
    index_title = "Models, runs and projects"
