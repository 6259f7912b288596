from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms

from annotator.domain.composites import CHANNELS, LONGEST_NAME
from annotator.enums import Ramp
from annotator.imagery.expressions import MAX_CHARACTERS
from annotator.imagery.recipes import missing_bands, recipe_of
from annotator.models import OwnComposite, Scene


@dataclass(frozen=True)
class Example:
    """A band combination to begin with."""

    name: str
    about: str
    expressions: tuple[str, ...]
    ramp: Ramp = Ramp.GREY

    def is_for(self, scene: Scene) -> bool:
        return not missing_bands(
            recipe_of(self.expressions, (None,) * len(self.expressions), self.ramp), scene.band_names
        )

    @property
    def query(self) -> str:
        """The form's fields, to begin with."""
        texts = dict(zip(CHANNELS, self.expressions, strict=False))
        return urlencode({"name": self.name, "ramp": self.ramp.value, **texts})


EXAMPLES = (
    Example("NDWI", "open water (McFeeters 1996)", ("(green - nir) / (green + nir)",), Ramp.WATER),
    Example("NDMI", "water in leaves (Gao 1996)", ("(nir - swir) / (nir + swir)",), Ramp.WATER),
    Example(
        "GNDVI", "dense crops apart, where NDVI is high everywhere (Gitelson et al. 1996)",
        ("(nir - green) / (nir + green)",), Ramp.VEGETATION,
    ),
    Example("Short-wave infrared", "crops, bare and moist soil apart", ("swir", "nir", "red")),
    Example(
        "Excess green", "vegetation without near infrared (Woebbecke et al. 1995)",
        ("(2 * green - red - blue) / (red + green + blue)",), Ramp.VEGETATION,
    ),
)  # fmt: skip


class CompositeForm(forms.Form):
    """A band combination, and the scene to look at it on; the domain says what is wrong with what was written."""

    name = forms.CharField(label="Name", max_length=LONGEST_NAME, required=False)
    ramp = forms.ChoiceField(
        label="Colours of a single expression", choices=Ramp.choices, initial=Ramp.GREY, required=False
    )
    scene = forms.TypedChoiceField(label="Look at it on", coerce=int, required=False, empty_value=None)

    def __init__(self, scenes: Sequence[Scene], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scenes = {scene.pk: scene for scene in scenes}
        self.fields["scene"].choices = [  # type: ignore[attr-defined]
            ("", "the newest that has the bands"),
            *((pk, str(scene)) for pk, scene in self.scenes.items()),
        ]
        for channel in CHANNELS:
            self.fields[channel] = forms.CharField(
                label=f"Expression shown as {channel}",
                max_length=MAX_CHARACTERS,
                required=False,
                widget=forms.TextInput(
                    {"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"}
                ),
            )
            for end in ("low", "high"):
                self.fields[f"{channel}_{end}"] = forms.FloatField(
                    label=f"{channel}: {end} end",
                    required=False,
                    widget=forms.NumberInput({"step": "any", "placeholder": "auto"}),
                )

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        for channel in CHANNELS:
            ends = (values.get(f"{channel}_low"), values.get(f"{channel}_high"))
            if (ends[0] is None) != (ends[1] is None):
                self.add_error(channel, "Give both ends of the values, or neither.")
        return values

    @property
    def channels(self) -> list[dict[str, Any]]:
        """The fields of each channel, as the template draws them in a row."""
        return [
            {"name": shown, "fields": [self[channel], self[f"{channel}_low"], self[f"{channel}_high"]]}
            for channel, shown in zip(CHANNELS, ("value, or red", "green", "blue"), strict=True)
        ]

    @property
    def written(self) -> dict[str, Any]:
        """What `add_composite` takes of it, but for project, person and name."""
        values = self.cleaned_data
        used = [channel for channel in CHANNELS if values[channel].strip()]
        return {
            "expressions": [values[channel] for channel in used],
            "ranges": [
                None
                if values[f"{channel}_low"] is None
                else [values[f"{channel}_low"], values[f"{channel}_high"]]
                for channel in used
            ],
            "ramp": values["ramp"] or Ramp.GREY,
        }

    @property
    def chosen_scene(self) -> Scene | None:
        """The one that was chosen to look at it on."""
        chosen: int | None = self.cleaned_data.get("scene")
        return None if chosen is None else self.scenes[chosen]

    def refuse(self, field: str | None, sentence: str) -> None:
        """Shows what the domain says beside the field that it is about."""
        field = CHANNELS[0] if field in ("expression", "expressions", "ranges") else field
        self.add_error(field if field in self.fields else None, sentence)


def initial_of(row: OwnComposite) -> dict[str, Any]:
    """The form's fields for what is kept."""
    found: dict[str, Any] = {"name": row.name, "ramp": row.ramp}
    for channel, text, ends in zip(CHANNELS, row.expressions, row.ranges, strict=False):
        found[channel] = text
        if ends is not None:
            found |= {f"{channel}_low": ends[0], f"{channel}_high": ends[1]}
    return found
