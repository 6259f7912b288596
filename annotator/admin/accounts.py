"""Django's pages of accounts and tokens without the widgets that a screen reader cannot name."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import admin as django_accounts
from django.contrib.auth.models import Group, User
from django.http import HttpRequest

from annotator.models import AccessToken

for model in (User, Group):
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


@admin.register(AccessToken)
class AccessTokenAdmin(admin.ModelAdmin):
    """Everybody's access tokens, for superusers: they are made by their owners, and revoked by deleting them."""

    list_display = ("token_key", "user", "name", "scope", "created", "last_used_on", "expiry")
    list_filter = ("scope",)
    list_select_related = ("user",)
    search_fields = ("token_key", "name", "user__username")
    fields = readonly_fields = list_display

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AccessToken | None = None) -> bool:
        return False
