from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from annotator.domain.invitations import MOST_DAYS, MOST_USES
from annotator.enums import Role


class MemberForm(forms.Form):
    """Gives an existing account a role; ``cleaned_data["username"]`` is the user."""

    username = forms.CharField(
        label=_("User name"),
        max_length=150,
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)

    def clean_username(self) -> User:
        name = self.cleaned_data["username"].strip()
        user = User.objects.filter(username=name, is_active=True).first()
        if user is None:
            raise ValidationError(
                _(
                    "There is no user called “%(name)s”. Check the spelling, "
                    "or ask an administrator to make the account first."
                ),
                params={"name": name},
            )
        return user


class InvitationForm(forms.Form):
    """A link that gives a role; ``uses_max`` is empty for as many people as come."""

    role = forms.ChoiceField(choices=Role.choices)
    days = forms.IntegerField(
        label="Valid for", min_value=1, max_value=MOST_DAYS, initial=7, help_text="days"
    )
    uses_max = forms.IntegerField(
        label="For how many people",
        min_value=1,
        max_value=MOST_USES,
        initial=1,
        required=False,
        help_text="Empty: as many as come.",
    )
    note = forms.CharField(max_length=120, required=False, help_text="Whom it is for; only leads read it.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # The form above it has a role, too.
        super().__init__(*args, auto_id="invite_%s", **kwargs)
