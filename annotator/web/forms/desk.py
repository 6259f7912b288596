from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from annotator.domain.bulk import MOST_PATCHES, BulkVerb, Chosen
from annotator.domain.spot_checks import MOST_PER_ANNOTATOR
from annotator.models import Project
from annotator.queries.access import DRAWING_ROLES

ANYBODY = "anybody"
_CHOSEN = re.compile(r"(\d{1,18})\.(\d{1,9})")
_DONE = {
    BulkVerb.APPROVE: "approved",
    BulkVerb.RETURN: "returned",
    BulkVerb.REASSIGN: "reassigned",
    BulkVerb.REOPEN: "reopened",
    BulkVerb.DO_WITHOUT: "no longer wait for a second mask",
}


class ChosenField(forms.Field):
    """Ticked rows, each written as the patch's id, a point and the number of the revision shown."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> list[Chosen]:
        matches = [_CHOSEN.fullmatch(str(text)) for text in value or ()]
        found = [Chosen(int(match[1]), int(match[2])) for match in matches if match]
        if len(found) < len(matches):
            raise ValidationError("Tick the patches in the list.")
        return found

    def validate(self, value: list[Chosen]) -> None:
        if not value:
            raise ValidationError("Tick the patches that are meant.")
        if len(value) > MOST_PATCHES:
            raise ValidationError(f"At most {MOST_PATCHES} patches at once.")


class BulkForm(forms.Form):
    """A verb on the ticked patches; ``to`` is a person, None for anybody."""

    verb = forms.TypedChoiceField(choices=[(verb.value, verb.value) for verb in BulkVerb], coerce=BulkVerb)
    patch = ChosenField()
    comment = forms.CharField(
        label="What the annotator reads",
        required=False,
        max_length=4000,
        widget=forms.Textarea({"rows": 2}),
        help_text="Needed to return and to reopen.",
    )
    to = forms.ChoiceField(label="Reassign to", required=False)

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        # The filter on the same page has a field of the same name.
        super().__init__(*args, auto_id="bulk_%s", **kwargs)
        rows = User.objects.filter(
            milpa_memberships__project=project, milpa_memberships__role__in=DRAWING_ROLES
        )
        self.people = {str(user.pk): user for user in rows.order_by("username").distinct()}
        names = [(pk, user.get_username()) for pk, user in self.people.items()]
        nobody_yet = ("", "choose somebody")
        self.fields["to"].choices = [nobody_yet, (ANYBODY, ANYBODY), *names]  # type: ignore[attr-defined]

    def clean_to(self) -> User | None:
        """Claims are taken away for somebody who was chosen, never by an oversight."""
        chosen = self.cleaned_data["to"]
        if self.cleaned_data.get("verb") == BulkVerb.REASSIGN and not chosen:
            raise ValidationError("Choose who shall have them, or anybody.")
        return self.people.get(chosen)

    def done_words(self, count: int) -> str:
        """For example "12 patches approved."."""
        return f"{count} patch{'' if count == 1 else 'es'} {_DONE[self.cleaned_data['verb']]}."


class SpotForm(forms.Form):
    day = forms.DateField(
        label="Submitted on", widget=forms.DateInput({"type": "date"}), help_text="A day that is over (UTC)."
    )
    per_annotator = forms.IntegerField(
        label="Patches per annotator", min_value=1, max_value=MOST_PER_ANNOTATOR, initial=3
    )
