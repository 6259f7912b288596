from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from annotator.enums import ExportKind, SceneState
from annotator.exports.coco import POLYGONS, RLE
from annotator.exports.forms import FORMS
from annotator.exports.mosaic import GRID_OF_PATCHES
from annotator.models import Project

MANNERS = (("rows", _("in rows")), ("one_pass", _("in one pass")), ("run_lengths", _("in run lengths")))
OPTIONS = ("grid", "images", "segmentation", "manner")


class ExportForm(forms.Form):
    """What is exported; parameters that a kind does not have are left out."""

    kind = forms.ChoiceField(label=_("Format"), choices=ExportKind.choices)
    grid = forms.ChoiceField(label=_("Grid of the mosaic"), required=False)
    images = forms.BooleanField(label=_("With the imagery of each patch"), required=False, initial=True)
    segmentation = forms.ChoiceField(
        label=_("Objects are written as"),
        required=False,
        choices=[(RLE, _("run lengths")), (POLYGONS, _("polygons"))],
    )
    manner = forms.ChoiceField(label=_("Answers say the classes"), required=False, choices=MANNERS)
    bbox = forms.CharField(
        label=_("Only the area between"),
        required=False,
        max_length=120,
        help_text=_("West, south, east, north in degrees, for instance 36.1, -1.2, 36.3, -1.0."),
    )
    names = forms.BooleanField(
        label=_("With people's names"), required=False, help_text=_("Otherwise people are numbers.")
    )

    def __init__(self, project: Project, data: Any = None):
        super().__init__(data)
        ready = project.scenes.filter(state=SceneState.READY)
        self.fields["grid"].choices = [
            (GRID_OF_PATCHES, _("that of the patches (EPSG:3857)")),
            *((str(scene.pk), scene.name) for scene in ready),
        ]

    @property
    def options(self) -> list[dict[str, Any]]:
        """The fields that some kinds only have, with those kinds."""
        return [
            {
                "field": self[name],
                "kinds": " ".join(kind for kind in ExportKind if name in FORMS[kind].options),
            }
            for name in OPTIONS
        ]

    def clean_bbox(self) -> list[float] | None:
        text = self.cleaned_data["bbox"]
        if not text.strip():
            return None
        try:
            west, south, east, north = (float(edge) for edge in text.split(","))
        except ValueError as error:
            raise forms.ValidationError(
                _("Write four numbers with commas between them: west, south, east, north.")
            ) from error
        return [west, south, east, north]

    @property
    def cleaned(self) -> dict[str, Any]:
        """The arguments of `request_export`, but for project and user."""
        values = self.cleaned_data
        kind = ExportKind(values["kind"])
        grid = values["grid"] or GRID_OF_PATCHES
        given = values | {"grid": grid if grid == GRID_OF_PATCHES else int(grid)}
        # A choice that was not sent is left at its default.
        own = {name: given[name] for name in OPTIONS if name in FORMS[kind].options and given[name] != ""}
        return {"kind": kind, "parameters": own | {"bbox": values["bbox"], "names": values["names"]}}
