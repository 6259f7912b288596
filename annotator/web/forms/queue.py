from __future__ import annotations

from django import forms

from annotator.domain.queue_rules import LARGEST_SEED, MOST_AUDITED, MOST_CLAIMS
from annotator.enums import Strategy


class QueueRulesForm(forms.Form):
    strategy = forms.ChoiceField(
        choices=Strategy.choices,
        label="Rank patches by",
        help_text="Without proposals, patches are served spread over the area whatever is chosen here.",
    )
    audit_share = forms.FloatField(
        min_value=0,
        max_value=MOST_AUDITED,
        label="Share drawn by chance",
        help_text="0.1: of every ten patches that are served, one is of a random sample of all patches. Accuracy and "
        "area measured on that sample are unbiased; on the others they are not.",
    )
    queue_seed = forms.IntegerField(
        min_value=0,
        max_value=LARGEST_SEED,
        label="Seed",
        help_text="Decides which patches chance draws. Another seed draws another sample; labels stay.",
    )
    claims_per_person = forms.IntegerField(
        min_value=1,
        max_value=MOST_CLAIMS,
        required=False,
        label="Patches a person",
        help_text="How many patches one person may hold at a time, those taken offline among them. Empty: "
        "the server's setting.",
    )
