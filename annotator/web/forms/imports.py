from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from annotator.domain.label_imports import MAX_OUTLINE_PX, Mapped
from annotator.domain.masks import UNSURE
from annotator.models import LabelImport
from annotator.queries.labels import legend_of


class LabelFileForm(forms.Form):
    """A file of labels, and how it is read where it does not say so itself."""

    file = forms.FileField(
        label=_("File of labels"),
        help_text=_(
            "GeoJSON, GeoPackage, KML, GeoParquet, a Shapefile in a ZIP, a GeoTIFF of class values, exported chips "
            "in their ZIP, or COCO."
        ),
    )
    crs = forms.CharField(
        label=_("Coordinate reference system"),
        required=False,
        max_length=40,
        help_text=_("Only where the file does not say it, for instance EPSG:32637."),
    )
    encoding = forms.CharField(
        label=_("Encoding of texts"),
        required=False,
        max_length=40,
        help_text=_("Only where letters come out wrong, for instance cp1252."),
    )
    swap_axes = forms.BooleanField(label=_("Coordinates are latitude, longitude"), required=False)


class MappingForm(forms.Form):
    """A class for each value of the attribute that was chosen."""

    outside = forms.TypedChoiceField(label=_("Land without a label becomes"), coerce=int)
    outline_px = forms.IntegerField(
        label=_("Width of outlines of the boundary class, in pixels"),
        min_value=0,
        max_value=MAX_OUTLINE_PX,
        initial=0,
    )
    approve = forms.BooleanField(label=_("Approve the masks at once"), required=False)

    def __init__(self, row: LabelImport, attribute: str, data: Any = None):
        super().__init__(data)
        self.attribute = attribute
        legend = legend_of(row.project_id)
        unsure = (UNSURE, _("unsure"))
        self.fields["outside"].choices = [unsure, *((c.value, c.name) for c in legend if c.is_null)]
        choices = [*((c.value, c.name) for c in legend), unsure]
        by_name = {c.name.lower(): c.value for c in legend} | {str(c.value): c.value for c in legend}
        self.counts = row.preview["attributes"][attribute]
        # Names of fields are numbered: values may hold any letters.
        for number, value in enumerate(self.counts):
            self.fields[f"value_{number}"] = forms.TypedChoiceField(
                label=value or _("everything that is labelled"),
                choices=choices,
                coerce=int,
                initial=by_name.get(value.lower(), UNSURE),
            )

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The values with their counts, as the template draws them."""
        return [
            {"field": self[f"value_{number}"], "count": count}
            for number, count in enumerate(self.counts.values())
        ]

    @property
    def mapped(self) -> Mapped:
        values = self.cleaned_data
        classes = {value: values[f"value_{number}"] for number, value in enumerate(self.counts)}
        return Mapped(
            self.attribute,
            classes,
            outside=values["outside"],
            outline_px=values["outline_px"],
            approve=values["approve"],
        )
