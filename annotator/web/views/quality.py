"""How good the labels are, for leads and ML staff."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from annotator.domain.quality_report import quality_report
from annotator.domain.quality_rules import change_quality_rules, quality_rules
from annotator.enums import DoubleState, Role
from annotator.errors import BadRule
from annotator.models import GoldPatch
from annotator.queries.spot_checks import by_annotator, by_week, spot_tallies
from annotator.web.access import ProjectAccess, SignedInRequest, project_view
from annotator.web.figures import plot_file
from annotator.web.forms.quality import QualityForm
from annotator.web.quality_plots import quality_plots
from annotator.web.spot_plot import REST_INCHES, draw_spots, spot_plot

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
        spot_plot=spot_plot(by_week(report.spots)),
        spot_days=report.spots[:SPOT_DAYS_SHOWN],
        waiting=report.doubles[DoubleState.WANTED],
        disputed=report.doubles[DoubleState.DISPUTED],
        agreed=report.doubles[DoubleState.AGREED],
        gold_count=GoldPatch.objects.filter(project=project, is_served=True).count(),
    )
    return render(request, "quality.html", context, status=422 if form.errors else 200)


@require_safe
@project_view(Role.LEAD, Role.ML_STAFF)
def spot_check_plot(request: SignedInRequest, access: ProjectAccess) -> HttpResponse:
    """What spot checks found, by annotator and week."""
    plot = spot_plot(by_week(spot_tallies(access.project.pk)))
    if plot is None:
        return plot_file(request, None, None, REST_INCHES)
    return plot_file(request, plot, lambda axes: draw_spots(axes, plot), plot.height_inches)
