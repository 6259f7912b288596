from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.contrib.gis.geos import MultiPolygon
from django.core.exceptions import ValidationError
from django.http import QueryDict

from annotator.domain.assignments import MOST_TILES, chosen_quadkeys
from annotator.errors import BadAssignment
from annotator.models import Project
from annotator.queries.access import DRAWING_ROLES
from annotator.queries.desk_filter import DeskFilter
from annotator.web.forms.areas import AreaField


class AssignmentForm(forms.Form):
    """Who shall have which patches: tiles, an area, or what a filter of the desk lets through; one of the three."""

    people = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    name = forms.CharField(
        label="Name", max_length=120, required=False, help_text="Such as “north of the road”."
    )
    tiles = forms.CharField(
        label="Tiles",
        required=False,
        max_length=25 * MOST_TILES,
        widget=forms.Textarea({"rows": 2, "spellcheck": "false", "autocapitalize": "none"}),
        help_text="Quadkeys; click tiles on the map to add and remove them, or tick them in the list on the page "
        "of progress.",
    )
    area = AreaField(
        label="Area",
        required=False,
        widget=forms.Textarea({"rows": 2, "spellcheck": "false"}),
        help_text="GeoJSON in longitude and latitude; or draw it on the map.",
    )
    filter = forms.CharField(required=False, widget=forms.HiddenInput, max_length=2000)

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project
        rows = User.objects.filter(
            milpa_memberships__project=project, milpa_memberships__role__in=DRAWING_ROLES
        )
        self.users = {str(user.pk): user for user in rows.order_by("username").distinct()}
        self.fields["people"].choices = [(pk, user.get_username()) for pk, user in self.users.items()]  # type: ignore[attr-defined]

    def clean_people(self) -> list[User]:
        return [self.users[pk] for pk in self.cleaned_data["people"]]

    def clean_tiles(self) -> list[str]:
        return [key for key in re.split(r"[\s,;]+", self.cleaned_data["tiles"]) if key]

    def clean_filter(self) -> list[str]:
        """The quadkeys of what the filter lets through."""
        query = self.cleaned_data["filter"]
        if not query:
            return []
        wanted = DeskFilter(self.project, QueryDict(query))
        if not wanted.is_valid():
            raise ValidationError("The filter is none of the desk's. Filter there again.")
        try:
            return chosen_quadkeys(wanted)
        except BadAssignment as error:
            raise ValidationError(error.detail) from error

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        ways = [name for name in ("tiles", "area", "filter") if given.get(name)]
        if not self.errors and len(ways) != 1:
            raise ValidationError("Give tiles, an area, or patches of the desk: one of them.")
        return given

    @property
    def chosen_tiles(self) -> list[str]:
        return self.cleaned_data["tiles"] or self.cleaned_data["filter"]

    @property
    def chosen_area(self) -> MultiPolygon | None:
        area: MultiPolygon | None = self.cleaned_data["area"]
        return area
