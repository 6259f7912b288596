from __future__ import annotations

from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.forms.utils import ErrorList
from django.utils.translation import gettext_lazy as _

from annotator.domain.projects import MAX_CLASSES, ClassSpec
from annotator.web.forms.areas import AreaField

# The classes that the starter model knows, in colours that colour-blind people can tell apart.
DEFAULT_LEGEND = (
    ("other", "#999999"),
    ("field", "#e69f00"),
    ("boundary", "#f0e442"),
    ("trees", "#009e73"),
    ("water", "#0072b2"),
    ("buildings", "#d55e00"),
)
DEFAULT_BOUNDARY = "2"
SPARE_COLORS = ("#cc79a7", "#56b4e9", "#7f3b08", "#b2df8a", "#6a3d9a", "#fb9a99", "#8dd3c7", "#bc80bd",
                "#fdbf6f", "#1b1b1b")  # fmt: skip
ROWS_SHOWN = 8


class ProjectForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120, widget=forms.TextInput({"autofocus": True}))
    description = forms.CharField(
        label=_("Description"),
        required=False,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("What is mapped and why; everybody in the project reads it."),
    )
    patch_zoom = forms.IntegerField(
        label=_("Patch zoom"),
        required=False,
        min_value=8,
        max_value=22,
        help_text=_(
            "Patches are map tiles of this zoom level, 256 pixels wide. "
            "When it is empty, it is proposed from the first scene's ground sampling distance."
        ),
    )
    area_of_interest = AreaField(
        label=_("Area of interest"),
        required=False,
        widget=forms.Textarea({"rows": 5, "spellcheck": "false"}),
        help_text=_(
            "GeoJSON in longitude and latitude. Patches are made inside it; "
            "inside the whole first scene when it is empty."
        ),
    )
    boundary = forms.ChoiceField(
        required=False,
        widget=forms.RadioSelect,
        choices=[("", _("There is no boundary class"))] + [(str(n), str(n)) for n in range(1, MAX_CLASSES)],
        initial=DEFAULT_BOUNDARY,
    )


class ClassForm(forms.Form):
    """One row of the legend; a row without a name is no class."""

    name = forms.CharField(required=False, max_length=60)
    color = forms.CharField(
        label=_("Colour"),
        max_length=7,
        validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$", _("Write the colour as #rrggbb."))],
        widget=forms.TextInput({"type": "color"}),
    )


class LegendRow(NamedTuple):
    """A row of the form as the template draws it."""

    value: int
    form: ClassForm
    boundary_choice: Any


class LegendFormSet(forms.BaseFormSet):
    """The rows from the top are the classes 0, 1, 2 ..., the first being the null class."""

    def clean(self) -> None:
        if any(self.errors):
            return
        names = self._names()
        while names and not names[-1]:
            names.pop()
        if "" in names:
            raise ValidationError(
                _("Row %(row)s of the legend has no name, but a later one has. Fill the rows from the top."),
                params={"row": names.index("")},
            )

    def _names(self) -> list[str]:
        return [form.cleaned_data["name"].strip() for form in self.forms]

    def classes(self, boundary: str) -> list[ClassSpec]:
        """The legend as the domain takes it; ``boundary`` is the row chosen as the boundary class."""
        return [
            ClassSpec(value, name, form.cleaned_data["color"].lower(), is_boundary=str(value) == boundary)
            for value, (name, form) in enumerate(zip(self._names(), self.forms, strict=True))
            if name
        ]


LegendFormSetClass = forms.formset_factory(ClassForm, formset=LegendFormSet, extra=0, max_num=MAX_CLASSES)


class ProjectEditor:
    """The form of a new project and the rows of its legend, as one thing."""

    def __init__(self, data: Any = None):
        rows = [{"name": name, "color": color} for name, color in DEFAULT_LEGEND]
        rows += [{"name": "", "color": color} for color in SPARE_COLORS]
        self.form = ProjectForm(data)
        self.legend = LegendFormSetClass(data, initial=rows, prefix="legend")

    def is_valid(self) -> bool:
        # Both are asked, so that all errors are shown at once.
        return all([self.form.is_valid(), self.legend.is_valid()]) and self._has_named_boundary()

    def _has_named_boundary(self) -> bool:
        chosen = self.form.cleaned_data["boundary"]
        if chosen in ("", *(str(c.value) for c in self.legend.classes(chosen))):
            return True
        self.form.add_error("boundary", _("The row chosen as the boundary class has no name."))
        return False

    @property
    def cleaned(self) -> dict[str, Any]:
        """The arguments of `create_project`, but for the user."""
        values = dict(self.form.cleaned_data)
        return {"legend": self.legend.classes(values.pop("boundary")), **values}

    @property
    def rows(self) -> list[LegendRow]:
        choices = list(self.form["boundary"])
        return [LegendRow(n, form, choices[n]) for n, form in enumerate(self.legend.forms)]

    @property
    def first_rows(self) -> list[LegendRow]:
        return self.rows[:ROWS_SHOWN]

    @property
    def further_rows(self) -> list[LegendRow]:
        return self.rows[ROWS_SHOWN:]

    @property
    def uses_further_rows(self) -> bool:
        """Whether a row below those shown holds something, so that it must not be folded away."""
        return any(row.form["name"].value() or row.form.errors for row in self.further_rows)

    @property
    def errors(self) -> bool:
        return bool(self.form.errors or any(self.legend.errors) or self.legend_errors)

    @property
    def non_field_errors(self) -> ErrorList:
        return self.form.non_field_errors()

    @property
    def legend_errors(self) -> ErrorList:
        return self.legend.non_form_errors()
