"""The page that asks before a training run: what it would learn from, from where, and with which config."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from annotator.domain.label_sets import LabelSplit, plan_split
from annotator.domain.training import checked_config, request_run
from annotator.enums import ACTIVE_RUN_STATES
from annotator.errors import MilpaError, NothingToTrainOn
from annotator.models import Evaluation, ModelVersion, Project, TrainingRun
from annotator.queries.labels import approved_revisions
from annotator.queries.versions import promoted_version

if TYPE_CHECKING:
    from annotator.admin.scoped import OwnProjectsAdmin


class RunForm(forms.Form):
    """The config that ML staff choose. The domain knows the bounds."""

    steps = forms.IntegerField(help_text="The most optimizer steps; a round may end earlier, see patience.")
    learning_rate = forms.FloatField(
        help_text="Ten times lower where the loss jumps or is no longer a number."
    )
    adapted = forms.ChoiceField(
        label="Adapted layers",
        choices=[
            ("all", "all layers"),
            ("vision", "only those that see"),
            ("language", "only those that answer"),
        ],
        help_text="Between regions it is above all how land looks that changes. "
        "A version that has an adapter keeps its layers.",
    )
    lora_rank = forms.IntegerField(
        label="LoRA rank",
        help_text="How much a new adapter can express; a version that has one keeps its rank.",
    )
    lora_alpha = forms.IntegerField(label="LoRA alpha", help_text="How strongly a new adapter acts.")
    images_per_step = forms.IntegerField(help_text="How many context images each step sees.")
    token_patches_per_image = forms.IntegerField(
        help_text="The most parts of an image that a step learns from; fewer need less memory."
    )
    class_balance = forms.FloatField(
        help_text="0: every cell counts the same; 1: every class does, however rare it is."
    )
    replay_share = forms.FloatField(
        help_text="The share of images that are patches of earlier rounds, so that they are not forgotten."
    )
    rehearsal_share = forms.FloatField(
        help_text="The share of images that are landscapes drawn as for the starter's own training, so that few "
        "labels do not make it forget; it leaves a tenth at least, with the replay share."
    )
    augmentation = forms.FloatField(
        help_text="How strongly images are shown in other lights and by coarser sensors; 0: as they are."
    )
    validate_every_steps = forms.IntegerField(
        help_text="After so many steps the validation patches tell how the round is doing; 0: never."
    )
    patience = forms.IntegerField(
        help_text="The round ends after so many validations without gain; 0: after the last step. "
        "The best validated step is kept in any case."
    )
    precision = forms.ChoiceField(
        choices=[
            ("auto", "bfloat16 where the processor has it"),
            ("bfloat16", "bfloat16"),
            ("float32", "float32"),
        ],
        help_text="float32 is slower and the same on more machines.",
    )
    checkpoint_every_steps = forms.IntegerField(
        help_text="An interrupted run goes on from its last checkpoint."
    )
    seed = forms.IntegerField(help_text="The same seed, labels and config give the same adapter.")
    idempotency_key = forms.CharField(widget=forms.HiddenInput, max_length=64)


@dataclass(frozen=True)
class Outlook:
    """What a run would work on now, or why there can be none."""

    parent: ModelVersion | None
    evaluation: Evaluation | None
    split: LabelSplit | None
    obstacle: str
    active: TrainingRun | None


def outlook(project: Project) -> Outlook:
    parent = promoted_version(project.pk)
    split, obstacle = None, ""
    rows = approved_revisions(project.pk).select_related(None).select_related("annotation__patch")
    if parent is None:
        obstacle = "No model version is promoted, so there is nothing to start from."
    else:
        try:
            split = plan_split(project.pk, parent, rows.only("annotation__patch__quadkey"))
        except NothingToTrainOn as error:
            obstacle = error.detail
    return Outlook(
        parent=parent,
        evaluation=parent.evaluations.first() if parent else None,
        split=split,
        obstacle=obstacle,
        active=project.training_runs.filter(state__in=ACTIVE_RUN_STATES).first(),
    )


def run_request_page(model_admin: OwnProjectsAdmin, request: HttpRequest, project: Project) -> HttpResponse:
    """GET asks, POST requests the run and goes to its page; the caller has checked the role."""
    if request.method == "POST":
        form = RunForm(request.POST)
        run = _request(form, project, request) if form.is_valid() else None
        if run is not None:
            messages.success(request, "The run is queued; a worker takes it up.")
            return redirect("admin:annotator_trainingrun_change", run.pk)
    else:
        form = RunForm(initial={**checked_config({}), "idempotency_key": uuid.uuid4().hex})
    return model_admin.verb_page(
        request,
        project,
        "train.html",
        title=f"Start a training run of {project}",
        form=form,
        outlook=outlook(project),
        status=422 if form.errors else 200,
    )


def _request(form: RunForm, project: Project, request: HttpRequest) -> TrainingRun | None:
    config: dict[str, Any] = dict(form.cleaned_data)
    key = config.pop("idempotency_key")
    try:
        return request_run(project=project, user=request.user, config=config, idempotency_key=key)
    except MilpaError as error:
        form.add_error(error.facts.get("field"), error.detail)
        return None
