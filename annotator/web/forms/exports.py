from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from annotator.enums import ExportKind, SceneState
from annotator.exports.mosaic import GRID_OF_PATCHES
from annotator.models import Project

OF_KIND = {
    ExportKind.GEOTIFF: ("grid",),
    ExportKind.CHIPS: ("images",),
    ExportKind.COCO: ("images",),
}


class ExportForm(forms.Form):
    """What is exported; parameters that a kind does not have are left out."""

    kind = forms.ChoiceField(label=_("Format"), choices=ExportKind.choices)
    grid = forms.ChoiceField(label=_("Grid of the mosaic"), required=False)
    images = forms.BooleanField(label=_("With the imagery of each patch"), required=False, initial=True)
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
    def cleaned(self) -> dict[str, Any]:
        """The arguments of `request_export`, but for project and user."""
        values = self.cleaned_data
        kind = ExportKind(values["kind"])
        grid = values["grid"] or GRID_OF_PATCHES
        given = {"grid": grid if grid == GRID_OF_PATCHES else int(grid), "images": values["images"]}
        parameters = {name: given[name] for name in OF_KIND.get(kind, ())}
        return {"kind": kind, "parameters": {**parameters, "names": values["names"]}}
