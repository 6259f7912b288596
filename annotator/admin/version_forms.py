from __future__ import annotations

from django import forms


class ReasonForm(forms.Form):
    """Why the promoted version changes; it is kept in the events."""

    reason = forms.CharField(
        required=False,
        max_length=500,
        widget=forms.Textarea({"rows": 2, "cols": 60}),
        help_text="Kept in the project's history.",
    )
