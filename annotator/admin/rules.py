"""The page on which ML staff set what a candidate has to show and when runs begin by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from annotator.domain.quality_rules import FIELDS as QUALITY_FIELDS
from annotator.domain.quality_rules import change_quality_rules, quality_rules
from annotator.domain.rules import change_rules, checked_gate_rule
from annotator.enums import Asks
from annotator.errors import BadRule
from annotator.models import Project

if TYPE_CHECKING:
    from annotator.admin.scoped import OwnProjectsAdmin

GATE_FIELDS = ("margin", "confidence", "worst_class_loss", "smallest_patches", "smallest_blocks")


class RulesForm(forms.Form):
    """The gate's rule and what the project does by itself. The domain knows the bounds."""

    margin = forms.FloatField(
        help_text="The lower bound of the gain in mIoU has to be above this. 0: any sure gain will do."
    )
    confidence = forms.FloatField(
        help_text="How much of what chance could have given the interval holds, such as 0.9 for 90 %."
    )
    worst_class_loss = forms.FloatField(
        label="Largest loss of a class",
        help_text="No class's IoU, and no region's mIoU, may surely have lost more than this.",
    )
    smallest_patches = forms.IntegerField(
        label="Fewest held-out patches", help_text="Measured on fewer patches, no candidate passes."
    )
    smallest_blocks = forms.IntegerField(
        label="Fewest held-out blocks",
        help_text="Neighbouring patches are alike: they have to lie in at least so many blocks of 2 x 2.",
    )
    promotes_passing = forms.BooleanField(
        required=False,
        label="Promote what passes",
        help_text="A candidate that passes the gate becomes the project's model without anybody's doing.",
    )
    trains_after_patches = forms.IntegerField(
        required=False,
        label="Train after newly approved patches",
        help_text="A run begins once so many patches were approved since the last one. Empty: never.",
    )
    trains_every_hours = forms.IntegerField(
        required=False,
        label="Train every so many hours",
        help_text="A run begins this long after the last one, if anything was approved since. Empty: never.",
    )
    asks_for = forms.ChoiceField(
        choices=Asks.choices,
        label="Ask annotators for",
        help_text="Points teach more per label, whole patches show outlines and areas. A patch whose proposal has "
        "no points yet is asked for as a whole.",
    )
    points_per_patch = forms.IntegerField(
        label="Points a patch",
        help_text="How many cells of each patch are named, where points are asked for.",
    )
    double_share = forms.FloatField(
        label="Share of patches drawn twice",
        help_text="By two people, each blind to the other: 0 for none, 0.1 for every tenth.",
    )
    consensus_miou = forms.FloatField(
        label="Agreement that is enough",
        help_text="Two masks of a patch with at least this mIoU agree; else a reviewer decides between them.",
    )
    blind_share = forms.FloatField(
        label="Share of patches without proposal",
        help_text="The proposal is kept from whoever draws them, to see how far proposals lead people.",
    )
    gold_share = forms.FloatField(
        label="Share of gold patches",
        help_text="Among the patches that an annotator is given: 0.05 makes every twentieth a gold one, by lot.",
    )


def rules_page(model_admin: OwnProjectsAdmin, request: HttpRequest, project: Project) -> HttpResponse:
    """GET shows the rules, POST changes them; the caller has checked the role."""
    form = RulesForm(request.POST if request.method == "POST" else None, initial=_initial(project))
    if request.method == "POST" and form.is_valid() and _change(form, project, request):
        messages.success(request, "The rules are saved. Verdicts that were given stay as they are.")
        return redirect(model_admin.change_url(project))
    return model_admin.verb_page(
        request,
        project,
        "rules.html",
        title=f"Gate and training rules of {project}",
        form=form,
        status=422 if form.errors else 200,
    )


def _initial(project: Project) -> dict[str, Any]:
    return {
        **checked_gate_rule(project.gate_rule),
        "promotes_passing": project.promotes_passing,
        "trains_after_patches": project.trains_after_patches,
        "trains_every_hours": project.trains_every_hours,
        "asks_for": project.asks_for,
        "points_per_patch": project.points_per_patch,
        **quality_rules(project),
    }


def _change(form: RulesForm, project: Project, request: HttpRequest) -> bool:
    values = dict(form.cleaned_data)
    gate_rule = {name: values.pop(name) for name in GATE_FIELDS}
    quality = {name: values.pop(name) for name in QUALITY_FIELDS}
    try:
        with transaction.atomic():
            change_rules(project=project, user=request.user, gate_rule=gate_rule, **values)
            change_quality_rules(project=project, user=request.user, **quality)
    except BadRule as error:
        form.add_error(error.facts["field"], error.detail)
        return False
    return True
