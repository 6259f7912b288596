"""The page on which leads and ML staff choose what the labelling queue is ranked by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from annotator.domain.queue_rules import FIELDS, LARGEST_SEED, MOST_AUDITED, MOST_CLAIMS, change_queue_rules
from annotator.enums import Strategy
from annotator.errors import BadRule
from annotator.models import Project

if TYPE_CHECKING:
    from annotator.admin.scoped import OwnProjectsAdmin


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


def queue_rules_page(model_admin: OwnProjectsAdmin, request: HttpRequest, project: Project) -> HttpResponse:
    """GET shows the rules, POST changes them; the caller has found the person to be lead or ML staff."""
    initial = {name: getattr(project, name) for name in FIELDS}
    form = QueueRulesForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid() and _change(form, project, request):
        messages.success(
            request, "The rules are saved. If they change the order, the queue is being ranked by them."
        )
        return redirect(model_admin.change_url(project))
    return model_admin.verb_page(
        request,
        project,
        "queue_rules.html",
        title=f"Labelling queue of {project}",
        form=form,
        status=422 if form.errors else 200,
    )


def _change(form: QueueRulesForm, project: Project, request: HttpRequest) -> bool:
    try:
        change_queue_rules(project=project, user=request.user, **form.cleaned_data)
    except BadRule as error:
        form.add_error(error.facts["field"], error.detail)
        return False
    return True
