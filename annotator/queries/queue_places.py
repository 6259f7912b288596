"""Why a patch stands where it stands in the labelling queue, as facts and as a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from annotator.enums import QueueReason, Strategy
from annotator.models import QueueEntry
from annotator.queries.labelling_queue import RankingState, ranking_state


def queue_place(entry: QueueEntry) -> dict[str, Any]:
    """The entry's place and all that it follows from; ``entry`` comes with its patch and its ranking."""
    return queue_places([entry])[0]


def queue_places(entries: Sequence[QueueEntry]) -> list[dict[str, Any]]:
    """Likewise of several entries; each ranking's staleness is asked for once."""
    rankings = {entry.ranking_id: entry.ranking for entry in entries if entry.ranking}
    states = {ranking_id: ranking_state(ranking) for ranking_id, ranking in rankings.items()}
    return [_place(entry, states.get(entry.ranking_id)) for entry in entries]


def _place(entry: QueueEntry, state: RankingState | None) -> dict[str, Any]:
    return {
        "score": entry.score,
        "reason": entry.reason,
        "reason_text": entry.get_reason_display(),
        "explanation": explanation(entry, state),
        "place": entry.place,
        "worth": entry.worth,
        "worth_rank": entry.worth_rank or None,
        "is_novel": entry.is_novel,
        "is_audit": entry.patch.is_audit,
        "ranking": ranking_facts(state) if state else None,
    }


def ranking_facts(state: RankingState) -> dict[str, Any]:
    """All that is needed to reproduce the ranking, and whether it is stale."""
    ranking = state.ranking
    return {
        "id": ranking.pk,
        "strategy": ranking.strategy,
        "seed": ranking.seed,
        "audit_share": ranking.audit_share,
        "model_version": getattr(ranking.model_version, "number", None),
        "scene": ranking.scene_id,
        "legend_number": ranking.legend_number,
        "patch_count": ranking.patch_count,
        "scored_count": ranking.scored_count,
        "audit_count": ranking.audit_count,
        "parameters": ranking.parameters,
        "order_hash": ranking.order_hash,
        "made_at": ranking.made_at,
        "is_stale": state.is_stale,
        "stale_because": state.staleness.value or None,
    }


def explanation(entry: QueueEntry, state: RankingState | None) -> str:
    """The position in a line: "entropy 0.82 nats, top 3 %; unlike anything labelled; audit: no; ..."."""
    parts = [_worth(entry, state)]
    if entry.is_novel:
        parts.append(_("unlike anything labelled"))
    parts.append(_("audit: yes") if entry.patch.is_audit else _("audit: no"))
    if state and entry.worth is not None and state.ranking.model_version and state.ranking.scene:
        facts = {"number": state.ranking.model_version.number, "scene": state.ranking.scene.name}
        parts.append(_("version %(number)s on %(scene)s") % facts)
    if state and state.is_stale:
        parts.append(_("out of date"))
    return "; ".join(parts)


def _worth(entry: QueueEntry, state: RankingState | None) -> str:
    if state is None or entry.worth is None:
        # A returned patch keeps its reason; whatever else has no worth is spread, or drawn before it had one.
        reason = QueueReason.SPREAD if entry.reason != QueueReason.RETURNED else QueueReason.RETURNED
        return str(reason.label)
    worth = {
        Strategy.MARGIN: _("margin %(worth)s"),
        Strategy.BOUNDARY: _("expected boundary error %(worth)s"),
    }.get(Strategy(state.ranking.strategy), _("entropy %(worth)s nats"))
    # Rounded up: nothing is among the best 0 %.
    percent = math.ceil(100 * entry.worth_rank / max(1, state.ranking.scored_count))
    top = _("top %(percent)s %%") % {"percent": percent}
    return f"{worth % {'worth': f'{entry.worth:.2f}'}}, {top}"
