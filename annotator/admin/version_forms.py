from __future__ import annotations

from typing import Any

from django import forms

from annotator.models import ModelVersion


class ReasonForm(forms.Form):
    """Why the promoted version changes; it is kept in the events."""

    reason = forms.CharField(
        required=False,
        max_length=500,
        widget=forms.Textarea({"rows": 2, "cols": 60}),
        help_text="Kept in the project's history.",
    )


class OverrideForm(forms.Form):
    """Why a version is promoted that the gate keeps back: a person answers for it by name."""

    override_reason = forms.CharField(
        label="Reason to promote it all the same",
        max_length=500,
        widget=forms.Textarea({"rows": 2, "cols": 60}),
        help_text="Kept in the project's history, with your name and what the gate said.",
        error_messages={
            "required": "The gate did not let this version pass. Say why it is promoted all the same."
        },
    )


class RollBackForm(ReasonForm):
    """The number of the version that the person was shown travels along, so that no other is promoted."""

    expected_number = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, target: ModelVersion | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["expected_number"] = target.number if target else None
