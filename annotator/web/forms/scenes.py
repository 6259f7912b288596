from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from annotator.models import Scene

CHANNELS = {"red": _("red"), "green": _("green"), "blue": _("blue")}


def _date_field(**options: Any) -> forms.DateField:
    return forms.DateField(widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"), **options)


def _source_help() -> str:
    folders = ", ".join(str(folder) for folder in settings.SCENE_FOLDERS)
    if not folders:
        return gettext("An address (https).")
    return gettext("An address (https) or a file on the server in one of: %(folders)s.") % {
        "folders": folders
    }


class SceneForm(forms.Form):
    """A scene by upload or by source; the domain says what is wrong with the file."""

    file = forms.FileField(
        required=False,
        label=_("Upload a GeoTIFF"),
        widget=forms.ClearableFileInput({"accept": ".tif,.tiff,.jp2,image/tiff,image/jp2"}),
    )
    source = forms.CharField(
        required=False,
        max_length=1000,
        label=_("or give a path or URL"),
        widget=forms.Textarea({"rows": 2}),
    )
    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=120,
        help_text=_("The file's name is taken when this is empty."),
    )
    acquired_on = _date_field(
        required=False,
        label=_("Date of acquisition"),
        help_text=_("Read from the file when this is empty. Proposals are made from the newest scene."),
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["source"].help_text = _source_help()


class PlaceForm(forms.Form):
    """How far east and north of where its file says the scene lies; the last field only tells the page's module."""

    east_m = forms.FloatField(
        label=_("Moved east by (m)"), widget=forms.NumberInput({"step": "0.01", "autocomplete": "off"})
    )
    north_m = forms.FloatField(
        label=_("Moved north by (m)"), widget=forms.NumberInput({"step": "0.01", "autocomplete": "off"})
    )
    on_map = forms.BooleanField(
        required=False, label=_("Move it on the map"), widget=forms.CheckboxInput({"autocomplete": "off"})
    )


class DisplayForm(forms.Form):
    """Which bands are shown as red, green and blue, and the range of values that each covers."""

    name = forms.CharField(label=_("Name"), max_length=120)
    acquired_on = _date_field(required=False, label=_("Date of acquisition"))
    band_names = forms.CharField(
        label=_("Names of the bands"),
        required=False,
        help_text=_(
            "In their order, with commas between. By the names red, green, blue, nir, swir and swir2, vegetation "
            "indices and the like find their bands."
        ),
    )

    def __init__(self, scene: Scene, data: Any = None):
        initial = {
            "name": scene.name,
            "acquired_on": scene.acquired_on,
            # A comma parts them.
            "band_names": ", ".join(name.replace(",", " ") for name in scene.band_names),
        }
        super().__init__(data, initial=initial)
        self.initial_names = initial["band_names"]
        names = [*scene.band_names, *[""] * (scene.band_count or 0)][: scene.band_count]
        choices = [(n, f"{n} · {name}" if name else str(n)) for n, name in enumerate(names, start=1)]
        for index, (channel, shown) in enumerate(CHANNELS.items()):
            named = {"channel": shown}
            low, high = scene.stretch[index] if scene.stretch else (None, None)
            self.fields[f"{channel}_band"] = forms.TypedChoiceField(
                label=gettext("Band shown as %(channel)s") % named,
                choices=choices,
                coerce=int,
                initial=scene.display_bands[index] if scene.display_bands else None,
            )
            self.fields[f"{channel}_low"] = forms.FloatField(
                label=gettext("%(channel)s: black at") % named, initial=low
            )
            self.fields[f"{channel}_high"] = forms.FloatField(
                label=gettext("%(channel)s: full at") % named, initial=high
            )

    @property
    def channels(self) -> list[dict[str, Any]]:
        """The fields of each channel, as the template draws them in a row."""
        return [
            {"name": shown, "fields": [self[f"{channel}_{part}"] for part in ("band", "low", "high")]}
            for channel, shown in CHANNELS.items()
        ]

    @property
    def _band_names(self) -> list[str] | None:
        """None where they stay as they are, which a name with a comma does."""
        written = self.data.get("band_names", self.initial_names).strip()
        return None if written == self.initial_names else [name.strip() for name in written.split(",")]

    @property
    def cleaned(self) -> dict[str, Any]:
        """The arguments of `change_display`, but for scene and user."""
        values = self.cleaned_data
        return {
            "name": values["name"],
            "acquired_on": values["acquired_on"],
            "band_names": self._band_names,
            "display_bands": [values[f"{channel}_band"] for channel in CHANNELS],
            "stretch": [[values[f"{channel}_low"], values[f"{channel}_high"]] for channel in CHANNELS],
        }
