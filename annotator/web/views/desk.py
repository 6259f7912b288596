"""The lead's desk: the patches as a list and on a map, and verbs on many of them at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotator.domain.bulk import BulkReport, act_on_patches
from annotator.domain.spot_checks import draw_spot_checks
from annotator.enums import Role
from annotator.errors import MilpaError
from annotator.models import Event, LabelClass, Patch
from annotator.queries.desk import MOST_COUNTED, PAGE_SIZE, Cursor, DeskPage, count_up_to, desk_page
from annotator.queries.desk_filter import UNSURE, DeskFilter
from annotator.queries.documents import project_document, scene_tile_url
from annotator.queries.history import patch_events
from annotator.queries.pace import pace_of
from annotator.queries.scenes import default_scene
from annotator.queries.spot_checks import newest_draws
from annotator.web.access import ProjectAccess, SignedInRequest, project_view
from annotator.web.figures import plot_file
from annotator.web.forms.desk import BulkForm, SpotForm
from annotator.web.pace_plot import HEIGHT_INCHES as PACE_INCHES
from annotator.web.pace_plot import draw_pace, pace_words

DRAWS_SHOWN = 7
EMPTY = DeskPage([], None, None)


@dataclass(frozen=True)
class Outcome:
    """What became of a verb on many patches, in words."""

    done: str
    report: BulkReport


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Role.LEAD)
def desk(request: SignedInRequest, access: ProjectAccess) -> HttpResponse:
    bulk = BulkForm(access.project, request.POST or None)
    outcome = None
    if request.method == "POST" and bulk.is_valid():
        verb = bulk.cleaned_data["verb"]
        report = act_on_patches(
            project=access.project,
            user=request.user,
            verb=verb,
            chosen=bulk.cleaned_data["patch"],
            comment=bulk.cleaned_data["comment"],
            to=bulk.cleaned_data["to"],
        )
        outcome = Outcome(bulk.done_words(len(report.done)), report)
        bulk = BulkForm(access.project)
    return _page(request, access, bulk, SpotForm(initial={"day": _yesterday()}), outcome)


@require_POST
@project_view(Role.LEAD)
def spot_checks(request: SignedInRequest, access: ProjectAccess) -> HttpResponse:
    form = SpotForm(request.POST)
    if form.is_valid():
        try:
            draw = draw_spot_checks(project=access.project, user=request.user, **form.cleaned_data)
        except MilpaError as error:
            form.add_error(None, error.detail)
        else:
            count = draw.checks.count()
            drawn = (
                f"{count} spot check{'' if count == 1 else 's'} of {draw.day:%-d %B %Y}, seed {draw.seed}."
            )
            messages.success(request, drawn)
            address = QueryDict(mutable=True)
            address["spot_day"] = draw.day.isoformat()
            return redirect(f"{request.path.removesuffix('spot-checks/')}?{address.urlencode()}")
    return _page(request, access, BulkForm(access.project), form, None)


def _page(
    request: SignedInRequest,
    access: ProjectAccess,
    bulk: BulkForm,
    spots: SpotForm,
    outcome: Outcome | None,
) -> HttpResponse:
    wanted = DeskFilter(access.project, request.GET)
    is_sound = wanted.is_valid()
    page, count = EMPTY, 0
    if is_sound:
        page, count = desk_page(wanted, _cursor(request), PAGE_SIZE), count_up_to(wanted)
        _name_classes(access, page)
    query = request.GET.copy()
    query.pop("cursor", None)
    scene = default_scene(access.project.pk)
    tile_url = scene_tile_url(scene) if scene else None
    for row in page.rows:
        # A patch is a map tile, so its picture is one.
        row["picture"] = tile_url.format(z=row["z"], x=row["x"], y=row["y"]) if tile_url else None
    context = access.context(
        wanted=wanted,
        bulk=bulk,
        spots=spots,
        outcome=outcome,
        page=page,
        count=count,
        is_count_whole=count < MOST_COUNTED,
        query=query.urlencode(),
        draws=newest_draws(access.project.pk, DRAWS_SHOWN),
        project_json=project_document(access.project, request.user),
    )
    wrong = bulk.errors or spots.errors or not is_sound
    return render(request, "desk.html", context, status=422 if wrong else 200)


def _name_classes(access: ProjectAccess, page: DeskPage) -> None:
    """Retired classes too: older masks have them."""
    rows = LabelClass.objects.filter(project=access.project).values_list("value", "name")
    names = dict(rows) | {UNSURE: "unsure"}
    for row in page.rows:
        row["class_names"] = ", ".join(names.get(value, str(value)) for value in row["classes"])


def _cursor(request: SignedInRequest) -> Cursor | None:
    """A cursor that no page has given out leads to the first page."""
    try:
        return Cursor.parse(request.GET["cursor"]) if request.GET.get("cursor") else None
    except ValueError:
        return None


def _yesterday() -> str:
    return (timezone.now().astimezone(UTC).date() - timedelta(days=1)).isoformat()


@require_safe
@project_view(Role.LEAD, Role.ML_STAFF)
def pace(request: SignedInRequest, access: ProjectAccess) -> HttpResponse:
    """Who submitted how much on which day, and when the last patch will be submitted."""
    found = pace_of(access.project.pk, request.user)
    rows = [(name, sum(counts), counts[::-1]) for name, counts in found.by_annotator.items()]
    return render(request, "pace.html", access.context(pace=found, rows=rows, plot_words=pace_words(found)))


@require_safe
@project_view(Role.LEAD, Role.ML_STAFF)
def pace_plot(request: SignedInRequest, access: ProjectAccess) -> HttpResponse:
    found = pace_of(access.project.pk, request.user)
    # The forecast and what waits are no part of the plot.
    shown = (found.days, found.totals)
    draw = (lambda axes: draw_pace(axes, found)) if found.days else None
    return plot_file(request, shown, draw, PACE_INCHES)


@require_safe
@project_view(Role.LEAD, Role.ML_STAFF)
def timeline(request: SignedInRequest, access: ProjectAccess, patch_id: int) -> HttpResponse:
    """Everything that happened to a patch, the newest last."""
    patch = get_object_or_404(Patch, pk=patch_id, project=access.project)
    entries = [(event, _facts(event)) for event in patch_events(patch, request.user)]
    return render(request, "timeline.html", access.context(patch=patch, entries=entries))


def _facts(event: Event) -> list[tuple[str, object]]:
    """What is known of the event beside its states, without what is empty."""
    return [(name.replace("_", " "), value) for name, value in event.facts.items() if value not in ("", None)]
