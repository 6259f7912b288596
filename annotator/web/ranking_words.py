from __future__ import annotations

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils.translation import gettext as _

from annotator.enums import Strategy
from annotator.queries.labelling_queue import RankingState, Staleness


def ranking_sentence(state: RankingState | None, promoted: int | None) -> str:
    """What orders the labelling queue at present."""
    if state is None:
        return _("Not ranked yet: patches are served spread over the area.")
    ranking = state.ranking
    if ranking.strategy == Strategy.SPREAD:
        return _("Spread over the area %(when)s, as the project's rules ask.") % {
            "when": naturaltime(ranking.made_at)
        }
    if ranking.model_version is None:
        return _("Spread over the area %(when)s: there were no proposals to rank by.") % {
            "when": naturaltime(ranking.made_at)
        }
    facts = {"number": ranking.model_version.number, "when": naturaltime(ranking.made_at)}
    made = _("Ranked with the proposals of version %(number)s, %(when)s.") % facts
    if not state.is_stale:
        return made
    if state.staleness == Staleness.VERSION:
        stale = _("Stale: version %(number)s was promoted since; the order is renewed with its proposals.")
        return f"{made} {stale % {'number': promoted}}"
    changed = _("Stale: the scenes, the legend or the rules changed since.")
    return f"{made} {changed}"
