"""How good the labels are, for leads and ML staff."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from annotator.domain.quality_report import quality_report
from annotator.domain.quality_rules import change_quality_rules, quality_rules
from annotator.enums import DoubleState, Role
from annotator.errors import BadRule
from annotator.models import GoldPatch
from annotator.queries.spot_checks import by_annotator
from annotator.web.access import ProjectAccess, SignedInRequest, project_view
from annotator.web.forms.quality import QualityForm
from annotator.web.quality_plots import quality_plots

SPOT_DAYS_SHOWN = 60


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Role.LEAD, Role.ML_STAFF)
def quality(request: SignedInRequest, access: ProjectAccess) -> HttpResponse:
    project = access.project
    form = QualityForm(request.POST or None, initial=quality_rules(project))
    if request.method == "POST" and form.is_valid():
        try:
            change_quality_rules(project=project, user=request.user, **form.cleaned_data)
        except BadRule as error:
            form.add_error(error.facts["field"], error.detail)
        else:
            messages.success(request, _("The rules are saved."))
            return redirect("quality", project.slug)
    report = quality_report(project)
    context = access.context(
        form=form,
        report=report,
        plots=quality_plots(report),
        agreements=[
            (_("Two annotators"), report.between),
            (_("Annotators and gold patches"), report.gold),
        ],
        spots=by_annotator(report.spots),
        spot_days=report.spots[:SPOT_DAYS_SHOWN],
        waiting=report.doubles[DoubleState.WANTED],
        disputed=report.doubles[DoubleState.DISPUTED],
        agreed=report.doubles[DoubleState.AGREED],
        gold_count=GoldPatch.objects.filter(project=project, is_served=True).count(),
    )
    return render(request, "quality.html", context, status=422 if form.errors else 200)
