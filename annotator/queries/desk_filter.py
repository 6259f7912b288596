"""What a lead narrows the patches of a project by; one parser for the page, the API, the CSV and the map."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.contrib.gis.geos import Polygon
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from annotator.enums import PatchState
from annotator.models import LabelClass, Membership, Patch, PatchWork, Project
from annotator.queries.ranking import ranked_by
from annotator.queries.review_list import without_open_seconds

ORDERS = (("made", "in the order they were made"), ("age", "the longest unchanged first"))
COMMENTS = (("yes", "with a comment"), ("no", "without a comment"))
UNSURE = 255


def _person() -> forms.TextInput:
    """A user name, with those of the project to choose from in the page's list `people`."""
    return forms.TextInput({"list": "people", "autocomplete": "off", "autocapitalize": "none"})


class DeskFilter(forms.Form):
    """Every field narrows further; what is left empty does not. `chosen` gives the patches."""

    state = forms.ChoiceField(choices=[("", "any state"), *PatchState.choices], required=False)
    annotator = forms.CharField(widget=_person(), required=False, help_text="of what was submitted last")
    holder = forms.CharField(widget=_person(), required=False, help_text="of the claim")
    reviewer = forms.CharField(widget=_person(), required=False)
    label_class = forms.TypedChoiceField(label="Class", coerce=int, empty_value=None, required=False)
    score_min = forms.FloatField(label="Entropy from", min_value=0, required=False, help_text="nats")
    score_max = forms.FloatField(label="Entropy to", min_value=0, required=False, help_text="nats")
    agreement_max = forms.FloatField(
        label="Two masks at most",
        min_value=0,
        max_value=1,
        required=False,
        help_text="mIoU of two people's masks",
    )
    proposal_miou_max = forms.FloatField(
        label="Proposal at most",
        min_value=0,
        max_value=1,
        required=False,
        help_text="mIoU with the final mask",
    )
    age_min = forms.FloatField(label="Unchanged for", min_value=0, required=False, help_text="days, at least")
    age_max = forms.FloatField(label="Changed within", min_value=0, required=False, help_text="days")
    comment = forms.ChoiceField(choices=[("", "any"), *COMMENTS], required=False)
    words = forms.CharField(label="Comment says", max_length=200, required=False)
    awaits = forms.ChoiceField(
        label="Waits for", choices=[("", "anything"), ("review", "a verdict")], required=False
    )
    spot_day = forms.DateField(
        label="Spot checks of", required=False, widget=forms.DateInput({"type": "date"})
    )
    bbox = forms.CharField(label="Area", required=False, help_text="west,south,east,north in degrees")
    order = forms.ChoiceField(choices=ORDERS, required=False)

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project
        rows = LabelClass.objects.filter(project=project).order_by("value")
        names = [(row.value, f"{row.value} {row.name}") for row in rows]
        self.fields["label_class"].choices = [("", "any class"), *names, (UNSURE, "unsure")]  # type: ignore[attr-defined]
        people = Membership.objects.filter(project=project).order_by("user__username").distinct()
        self.people = list(people.values_list("user__username", flat=True))

    @property
    def is_state_at_most(self) -> bool:
        """Whether it narrows by the state alone or by nothing, in whatever order."""
        return self._narrows_by <= {"state"}

    @property
    def _narrows_by(self) -> set[str]:
        given = self.cleaned_data.items()
        return {name for name, value in given if value not in (None, "") and name != "order"}

    def clean_annotator(self) -> User | None:
        return self._person("annotator")

    def clean_reviewer(self) -> User | None:
        return self._person("reviewer")

    def clean_holder(self) -> User | None:
        return self._person("holder")

    def _person(self, name: str) -> User | None:
        """Looked up beforehand, so that the database knows whose rows to reckon with."""
        username = self.cleaned_data[name]
        user = User.objects.filter(username=username).first() if username else None
        if username and user is None:
            raise ValidationError(f"There is no user called “{username}”. Check the spelling.")
        return user

    def clean_bbox(self) -> Polygon | None:
        text = self.cleaned_data["bbox"]
        if not text:
            return None
        try:
            west, south, east, north = (float(part) for part in text.split(","))
        except ValueError as error:
            raise ValidationError(
                "Write west,south,east,north in degrees, such as 77,19,77.1,19.1."
            ) from error
        if not (-180 <= west < east <= 180 and -85.06 <= south < north <= 85.06):
            raise ValidationError("West lies below east and south below north, within 180 and 85.06 degrees.")
        box = Polygon.from_bbox((west, south, east, north))
        box.srid = 4326
        return box.transform(3857, clone=True)

    def clean_words(self) -> str:
        return str(self.cleaned_data["words"]).strip()

    def work(self) -> QuerySet[PatchWork] | None:
        """What `chosen` lets through as rows of work, where an index of those alone tells it; else None.

        That is so where people who drew and reviewed narrow it, and the state at most besides.
        """
        fields = self._narrows_by
        if not fields & {"annotator", "reviewer"} or not fields <= {"annotator", "reviewer", "state"}:
            return None
        given = {name: self.cleaned_data[name] for name in fields}
        return PatchWork.objects.filter(project=self.project, **given)

    def chosen(self) -> QuerySet[Patch]:
        """The patches that it lets through, in no order; the form is valid."""
        given = self.cleaned_data
        rows = Patch.objects.filter(project=self.project)
        if given["state"]:
            rows = rows.filter(state=given["state"])
        if given["annotator"]:
            rows = rows.filter(work__project=self.project, work__annotator=given["annotator"])
        if given["reviewer"]:
            rows = rows.filter(work__project=self.project, work__reviewer=given["reviewer"])
        if given["holder"]:
            rows = rows.filter(queue_entry__holder=given["holder"])
        if given["label_class"] is not None:
            rows = rows.filter(classes__project=self.project, classes__value=given["label_class"])
        if given["spot_day"]:
            rows = rows.filter(
                spot_checks__draw__project=self.project, spot_checks__draw__day=given["spot_day"]
            )
        if given["agreement_max"] is not None:
            rows = rows.filter(double__project=self.project, double__agreement__lte=given["agreement_max"])
        if given["proposal_miou_max"] is not None:
            rows = rows.filter(
                annotation__correction__project=self.project,
                annotation__correction__miou__lte=given["proposal_miou_max"],
            )
        if given["awaits"]:
            rows = without_open_seconds(rows.filter(state=PatchState.SUBMITTED))
        if given["bbox"]:
            rows = rows.filter(square__bboverlaps=given["bbox"])
        return self._by_comment(self._by_age(self._by_score(rows)))

    def _by_score(self, rows: QuerySet[Patch]) -> QuerySet[Patch]:
        low, high = self.cleaned_data["score_min"], self.cleaned_data["score_max"]
        if low is None and high is None:
            return rows
        scores = ranked_by(self.project).proposals().filter(patch=OuterRef("pk"))
        if low is not None:
            scores = scores.filter(mean_entropy_nats__gte=low)
        if high is not None:
            scores = scores.filter(mean_entropy_nats__lte=high)
        return rows.filter(Exists(scores))

    def _by_age(self, rows: QuerySet[Patch]) -> QuerySet[Patch]:
        if self.cleaned_data["age_min"] is not None:
            rows = rows.filter(changed_at__lte=_days_ago(self.cleaned_data["age_min"]))
        if self.cleaned_data["age_max"] is not None:
            rows = rows.filter(changed_at__gte=_days_ago(self.cleaned_data["age_max"]))
        return rows

    def _by_comment(self, rows: QuerySet[Patch]) -> QuerySet[Patch]:
        wanted, words = self.cleaned_data["comment"], self.cleaned_data["words"]
        if wanted == "no":
            rows = rows.exclude(work__comment__gt="")
        if wanted == "yes" or words:
            # Said as the index on comments has it.
            rows = rows.filter(work__project=self.project).exclude(work__comment="")
        return rows.filter(work__comment__icontains=words) if words else rows


def _days_ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=min(days, 36_500))
