"""Access tokens: what programs of a person sign in with."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotator.enums import TokenScope
from annotator.errors import BadToken
from annotator.models import AccessToken

MOST_DAYS, MOST_TOKENS = 365, 50
# For so long an expired one is still told of, so that whoever wonders why a program stopped sees it.
_EXPIRED_KEPT = timedelta(days=30)
_log = logging.getLogger(__name__)


@transaction.atomic
def make_token(*, user: User, name: str, days: int, scope: TokenScope) -> tuple[AccessToken, str]:
    """The row and the token itself, which is kept nowhere and cannot be told again.

    Raises BadToken for no name, for another time than 1 to 365 days, and where the person has 50 tokens.
    """
    # Locked, so that two requests at once do not count the same tokens.
    User.objects.select_for_update().get(pk=user.pk)
    if not name.strip():
        raise BadToken(_("Give the token a name, so that you know later what it is for."))
    if not 1 <= days <= MOST_DAYS:
        raise BadToken(_("A token lasts between 1 and %(days)s days.") % {"days": MOST_DAYS})
    own = AccessToken.objects.filter(user=user)
    own.filter(expiry__lt=timezone.now() - _EXPIRED_KEPT).delete()
    if own.count() >= MOST_TOKENS:
        raise BadToken(
            _("You have %(count)s tokens. Revoke one that is not used any more, then make another.")
            % {"count": MOST_TOKENS}
        )
    row, token = AccessToken.objects.create(
        user=user, expiry=timedelta(days=days), name=name.strip(), scope=scope
    )
    _log.info("%s made the access token %s (%s, %d days)", user, row.token_key, scope, days)
    return row, token


def revoke_token(*, token: AccessToken, user: User) -> None:
    """Nothing signs in with it any more."""
    token.delete()
    _log.info("%s revoked the access token %s", user, token.token_key)


def note_use(*, token: AccessToken) -> None:
    """Writes down that it is in use, once a day."""
    today = timezone.now().date()
    if token.last_used_on != today:
        AccessToken.objects.filter(pk=token.pk).update(last_used_on=today)
