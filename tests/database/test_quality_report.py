"""The quality report: its figures, its sentences, its page, JSON and CSV, and what it costs."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from annotator.domain.annotations import Effort, save_mask
from annotator.domain.claims import claim_next, claim_patch
from annotator.domain.quality_report import quality_report, stop_sentence
from annotator.domain.versions import add_candidate
from annotator.enums import ReadingPurpose, Role
from annotator.models import Comparison, Correction, Event, Project
from annotator.queries.quality import CorrectionCost
from annotator.queries.versions import promoted_version
from mlservice.agreement import krippendorff_alpha
from tests.campaigns import query_count
from tests.factories import (
    client_of,
    halves,
    make_member,
    make_patch,
    make_project,
    make_proposal,
    make_scene,
    make_user,
    submit,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    project = make_project()
    Project.objects.filter(pk=project.pk).update(double_share=1.0)
    project.refresh_from_db()
    make_scene(project)
    return project


def drawn_twice(project: Project, ann: User, bea: User, rows: int) -> None:
    patch = make_patch(project)
    submit(patch, ann, halves(128))
    assert claim_next(project=project, user=bea).patch == patch
    save_mask(patch=patch, user=bea, mask=halves(rows), base_number=0, submit=True)


def corrected(project: Project, user: User, rows: int) -> None:
    patch = make_patch(project)
    proposal = make_proposal(patch, value=1)
    claim_patch(patch=patch, user=user)
    effort = Effort(seconds=40, strokes=4)
    save_mask(
        patch=patch,
        user=user,
        mask=halves(rows),
        base_number=0,
        submit=True,
        proposal=proposal,
        effort=effort,
    )


def test_agreement_is_summed_over_patches_by_month_and_by_person(project: Project) -> None:
    ann, bea = make_member(project), make_member(project)
    for rows in (128, 160):
        drawn_twice(project, ann, bea, rows)
    earlier = Comparison.objects.order_by("pk")[0]
    Comparison.objects.filter(pk=earlier.pk).update(compared_at=datetime(2026, 1, 31, 23, 30, tzinfo=UTC))
    report = quality_report(project)
    assert report.between is not None
    assert report.gold is None
    second = (128 / 160 + 96 / 128) / 2
    assert (report.between.patches, report.between.miou) == (2, pytest.approx((1 + second) / 2))
    pixels = {(0, 0): 256 * 256, (1, 1): 256 * (128 + 96), (1, 0): 256 * 32}
    assert report.between.alpha == pytest.approx(krippendorff_alpha(pixels))
    assert set(report.between.class_alphas) == {"other", "field"}
    months = [(purpose, f"{month:%Y-%m}", one.patches) for purpose, month, one in report.by_month]
    assert months[0] == (ReadingPurpose.SECOND, "2026-01", 1)
    assert report.by_month[0][2].miou == 1
    people = {name: found[ReadingPurpose.SECOND].patches for name, found in report.by_person.items()}
    assert people == {ann.username: 2, bea.username: 2}


def test_corrections_are_means_by_version(project: Project) -> None:
    Project.objects.update(double_share=0.0)
    project.refresh_from_db()
    ann = make_member(project)
    for rows in (0, 128):
        corrected(project, ann, rows)
    report = quality_report(project)
    (cost,) = report.costs
    assert (cost.version, cost.patches, cost.seconds, cost.strokes) == (1, 2, 40, 4)
    assert cost.miou == pytest.approx((1 + 0.25) / 2)
    assert cost.pixels_changed == 128 * 128
    assert "Not known yet whether corrections still shrink" in report.stop_signal


def test_a_patch_is_one_observation_however_many_masks_it_has(project: Project) -> None:
    ann, bea = make_member(project), make_member(project)
    corrected(project, ann, 128)
    patch = Correction.objects.get().patch
    assert claim_next(project=project, user=bea).patch == patch
    save_mask(
        patch=patch, user=bea, mask=halves(120), base_number=0, submit=True, proposal=patch.proposals.get()
    )
    assert Correction.objects.count() == 2, "what the second person changed is kept"
    (cost,) = quality_report(project).costs
    assert (cost.patches, cost.measured, cost.pixels_changed) == (1, 1, 128 * 256)


def cost(version: int, miou: float, *, measured: int = 40, deviation: float = 0.05, hidden: bool = False):  # type: ignore[no-untyped-def]
    return CorrectionCost(version, hidden, False, measured, measured, miou, deviation, 30.0, 3.0, 500.0)


@pytest.mark.parametrize(
    ("costs", "words"),
    [
        ([cost(1, 0.80)], "Not known yet"),
        ([cost(1, 0.80), cost(2, 0.9, measured=9)], "Not known yet"),
        ([cost(1, 0.80), cost(2, 0.88)], "still shrink: labelling goes on paying"),
        ([cost(1, 0.88, measured=400), cost(2, 0.88, measured=400)], "have stopped shrinking"),
        ([cost(1, 0.88), cost(2, 0.85)], "have stopped shrinking"),
        ([cost(1, 0.86, deviation=0.2), cost(2, 0.88, deviation=0.2)], "Too few patches to tell"),
        ([cost(1, 0.70), cost(2, 0.88, measured=400), cost(3, 0.88, measured=400)], "have stopped shrinking"),
    ],
)
def test_the_stop_signal_says_what_its_figures_say(costs: list[CorrectionCost], words: str) -> None:
    sentence = stop_sentence(costs)
    assert words in sentence
    if len(costs) > 1 and "Not known" not in words:
        assert f"{costs[-1].miou:.3f} for version {costs[-1].version}" in sentence


def test_the_page_json_and_csv_tell_the_same(project: Project) -> None:
    ann, bea = make_member(project), make_member(project)
    drawn_twice(project, ann, bea, 160)
    corrected(project, project.created_by, 128)
    client = client_of(project.created_by)
    page = client.get(reverse("quality", args=[project.slug])).content.decode()
    base = f"/api/v1/projects/{project.slug}/quality"
    told = client.get(f"{base}/").json()
    assert f"{told['between_annotators']['alpha']:.3f}" in page
    assert told["doubles"]["disputed"] + told["doubles"]["agreed"] == 1
    assert told["stop_signal"] in page
    for table, key in (("months", "months"), ("people", "people"), ("corrections", "corrections")):
        rows = list(csv.DictReader(io.StringIO(client.get(f"{base}/{table}.csv").content.decode())))
        assert len(rows) == len(told[key])
        assert float(rows[0]["miou"]) == pytest.approx(told[key][0]["miou"])
    assert client.get(f"{base}/luck.csv").status_code == 404


def test_leads_and_ml_staff_read_it_and_set_the_shares(project: Project) -> None:
    page = reverse("quality", args=[project.slug])
    base = f"/api/v1/projects/{project.slug}/quality"
    for path in (page, f"{base}/", f"{base}/people.csv"):
        for role, status in ((Role.LEAD, 200), (Role.ML_STAFF, 200), (Role.ANNOTATOR, 403)):
            assert client_of(make_member(project, role)).get(path).status_code == status, (role, path)
        assert client_of(make_user()).get(path).status_code == 404
    values = {"double_share": "0.2", "consensus_miou": "0.75", "gold_share": "0.05", "blind_share": "0.1"}
    client = client_of(project.created_by)
    assert client.post(page, values).status_code == 302
    project.refresh_from_db()
    assert (project.double_share, project.blind_share) == (0.2, 0.1)
    answer = client.post(page, values | {"gold_share": "7"})
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["gold_share"])
    assert Event.objects.filter(verb="quality rules changed").count() == 1


def test_more_rows_cost_no_more_queries(project: Project) -> None:
    client, path = client_of(project.created_by), reverse("quality", args=[project.slug])
    ann, bea = make_member(project), make_member(project)
    counts = []
    for rows in (130, 140, 150):
        drawn_twice(project, ann, bea, rows)
        counts.append(query_count(client, path))
    assert len(set(counts)) == 1


def test_plots_appear_with_a_second_month_and_a_second_version(project: Project) -> None:
    ann, bea = make_member(project), make_member(project)
    for rows in (130, 170):
        drawn_twice(project, ann, bea, rows)
    Comparison.objects.filter(pk=Comparison.objects.order_by("pk")[0].pk).update(
        compared_at=datetime(2026, 1, 5, tzinfo=UTC)
    )
    corrected(project, project.created_by, 128)
    corrected(project, project.created_by, 100)
    parent = promoted_version(project.pk)
    assert parent is not None
    second = add_candidate(
        parent=parent,
        adapter_name="nowhere",
        temperature=1.0,
        provenance={},
        actor=project.created_by,
        verdict=None,
    )
    Correction.objects.filter(pk=Correction.objects.order_by("pk")[0].pk).update(model_version=second)
    page = client_of(project.created_by).get(reverse("quality", args=[project.slug])).content.decode()
    alphas = {f"{month:%Y-%m}": one.class_alphas for _, month, one in quality_report(project).by_month}
    captions = re.findall(r"<figcaption>([^<]*)</figcaption>", page)
    assert captions == [
        "Agreement over time",
        "Krippendorff&#x27;s alpha over time",
        "Alpha of field over time",
        "Alpha of other over time",
        "What is left of proposals",
    ], "neither mask has a boundary"
    assert "January 2026: mIoU" in page
    assert f"January 2026: alpha {alphas['2026-01']['field']:.3f}" in page


def test_every_month_has_all_four_measures_in_a_table(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(consensus_miou=0.1)
    ann, bea = make_member(project), make_member(project)
    for rows in (130, 170):
        patch = make_patch(project)
        mask = halves(128)
        mask[120:122] = 2
        submit(patch, ann, mask)
        assert claim_next(project=project, user=bea).patch == patch
        other = halves(rows)
        other[123:125] = 2
        save_mask(patch=patch, user=bea, mask=other, base_number=0, submit=True)
    Comparison.objects.filter(pk=Comparison.objects.order_by("pk")[0].pk).update(
        compared_at=datetime(2026, 1, 5, tzinfo=UTC)
    )
    client = client_of(project.created_by)
    page = client.get(reverse("quality", args=[project.slug])).content.decode()
    table = page[page.index('aria-label="Agreement by month"') :].split("</table>")[0]
    cells = [re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", row) for row in re.split(r"<tr>\s", table)[1:]]
    months = client.get(f"/api/v1/projects/{project.slug}/quality/").json()["months"]
    assert [row[0] for row in cells] == [f"{datetime.now(UTC):%B %Y}", "January 2026"], "the newest first"
    for row, told in zip(cells, reversed(months), strict=True):
        assert None not in (told["boundary_f1"], told["alpha"])
        figures = [f"{told[name]:.3f}" for name in ("miou", "boundary_f1", "alpha")]
        assert row[1:6] == ["two annotators", "1", *figures]
        assert row[6] == ", ".join(f"{name} {alpha:.3f}" for name, alpha in told["class_alphas"].items())


def test_a_persons_alpha_is_that_of_all_pixels_they_compared(project: Project) -> None:
    ann, bea, kim = (make_member(project) for _ in range(3))
    drawn_twice(project, ann, bea, 160)
    drawn_twice(project, bea, kim, 192)
    people = quality_report(project).by_person
    both = {(0, 0): 2 * 256 * 128, (1, 0): 256 * (32 + 64), (1, 1): 256 * (96 + 64)}
    assert people[bea.username][ReadingPurpose.SECOND].alpha == pytest.approx(krippendorff_alpha(both))
    alone = {(0, 0): 256 * 128, (1, 0): 256 * 64, (1, 1): 256 * 64}
    assert people[kim.username][ReadingPurpose.SECOND].alpha == pytest.approx(krippendorff_alpha(alone))
    told = client_of(project.created_by).get(f"/api/v1/projects/{project.slug}/quality/people.csv")
    rows = {row["annotator"]: row for row in csv.DictReader(io.StringIO(told.content.decode()))}
    assert float(rows[kim.username]["alpha"]) == pytest.approx(krippendorff_alpha(alone))
