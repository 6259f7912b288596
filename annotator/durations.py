"""Times of work as people say them."""

from __future__ import annotations

from django.utils.translation import gettext as _


def duration_text(seconds: int) -> str:
    """For example 45 s, 4 min 5 s, 1 h 2 min, in the reader's language."""
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    if hours:
        return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    if minutes:
        return _("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": seconds}
    return _("%(seconds)s s") % {"seconds": seconds}
