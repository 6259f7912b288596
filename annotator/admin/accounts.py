"""Django's pages of accounts and tokens without the widgets that a screen reader cannot name."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import admin as django_accounts
from django.contrib.auth.models import Group, User
from rest_framework.authtoken.admin import TokenAdmin as DjangosTokenAdmin
from rest_framework.authtoken.models import TokenProxy

for model in (User, Group, TokenProxy):
    admin.site.unregister(model)


@admin.register(User)
class AccountAdmin(django_accounts.UserAdmin):
    # The two lists beside each other label their icons where no label may be; the dates, whose halves have no
    # label each, are the system's to write.
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")


@admin.register(Group)
class GroupAdmin(django_accounts.GroupAdmin):
    filter_horizontal = ()


@admin.register(TokenProxy)
class TokenAdmin(DjangosTokenAdmin):
    # As a description the text would be all that names the search field for who sees it.
    search_help_text = None
