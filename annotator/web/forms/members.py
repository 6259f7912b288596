from __future__ import annotations

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

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
