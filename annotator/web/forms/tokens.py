from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from annotator.enums import TokenScope

DURATIONS = ((7, _("a week")), (30, _("a month")), (90, _("three months")), (365, _("a year")))


class TokenForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=60,
        help_text=_("What it is for, such as “QGIS on the field laptop”."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    scope = forms.ChoiceField(
        label=_("What it may do"),
        choices=TokenScope.choices,
        help_text=_("Reading is enough for QGIS and for downloads."),
    )
    days = forms.TypedChoiceField(label=_("Valid for"), choices=DURATIONS, coerce=int, initial=90)
