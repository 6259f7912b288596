from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class QualityForm(forms.Form):
    """How much is checked. The domain knows the bounds."""

    double_share = forms.FloatField(
        label=_("Share of patches that two people draw"), help_text=_("0.1 is every tenth.")
    )
    consensus_miou = forms.FloatField(
        label=_("mIoU from which two masks agree"),
        help_text=_("Below it, a reviewer decides between them."),
    )
    gold_share = forms.FloatField(
        label=_("Share of gold patches among those given"),
        help_text=_("Mark gold patches on their review page."),
    )
    blind_share = forms.FloatField(
        label=_("Share of patches drawn without proposal"),
        help_text=_("It shows how far proposals lead people."),
    )
