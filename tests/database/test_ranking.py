"""The labelling queue's order: by whose rules, from which scores, and how a place is explained."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from annotator import inference
from annotator.domain.claims import claim_next
from annotator.domain.locks import lock_project
from annotator.domain.queue_rules import change_queue_rules
from annotator.domain.ranking import rank_due_projects, rank_patches
from annotator.domain.recovery import resend_lost_jobs
from annotator.domain.reviews import review_patch
from annotator.enums import QueueReason, Strategy, Verdict
from annotator.errors import BadRule
from annotator.imagery.grid import lonlat_bounds
from annotator.models import Event, Patch, Project, QueueEntry, Ranking
from annotator.queries.labelling_queue import Staleness, latest_ranking
from tests.campaigns import Campaign, query_count
from tests.factories import approve, make_member, make_patch, make_project, make_proposal, make_scene, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    project = make_project()
    make_scene(project)
    return project


def set_rules(project: Project, **rules: object) -> None:
    values = {"strategy": "entropy", "audit_share": 0.0, "queue_seed": 0} | rules
    change_queue_rules(project=project, user=project.created_by, **values)  # type: ignore[arg-type]


def served(project: Project) -> list[int]:
    rows = QueueEntry.objects.filter(project=project).order_by("-score", "patch_id")
    return list(rows.values_list("patch_id", flat=True))


@pytest.mark.parametrize(
    ("strategy", "measure", "reason"),
    [
        (Strategy.TOP_ENTROPY, "top_entropy_nats", QueueReason.ENTROPY),
        (Strategy.MARGIN, "mean_margin", QueueReason.MARGIN),
        (Strategy.BOUNDARY, "boundary_error", QueueReason.BOUNDARY),
    ],
)
def test_a_strategy_ranks_by_its_own_measure(
    project: Project, strategy: Strategy, measure: str, reason: QueueReason
) -> None:
    low, high, older = (make_patch(project) for _ in range(3))
    make_proposal(low, mean_entropy_nats=0.9, **{measure: 0.1})
    make_proposal(high, mean_entropy_nats=0.1, **{measure: 0.4})
    make_proposal(older, mean_entropy_nats=1.0)
    set_rules(project, strategy=strategy)
    ranking = rank_patches(project.pk)
    assert served(project) == [high.pk, low.pk, older.pk]
    assert (ranking.strategy, ranking.scored_count) == (strategy, 2)
    entry = QueueEntry.objects.get(patch=high)
    assert (entry.worth, entry.worth_rank, entry.place, entry.reason) == (0.4, 1, 1, reason)
    assert QueueEntry.objects.get(patch=older).reason == QueueReason.SPREAD


def test_doubts_about_a_rare_class_come_first_where_classes_are_weighed(project: Project) -> None:
    common, rare = make_patch(project), make_patch(project)
    make_proposal(common, class_cells=[4000, 96], class_entropy_nats=[900.0, 0.0])
    make_proposal(rare, class_cells=[4000, 96], class_entropy_nats=[0.0, 600.0])
    set_rules(project, strategy=Strategy.CLASS_ENTROPY)
    rank_patches(project.pk)
    assert served(project) == [rare.pk, common.pk]


def test_diversity_serves_what_is_unlike_the_labelled_and_says_so(project: Project) -> None:
    person = make_member(project)
    for _ in range(2):
        labelled = make_patch(project)
        make_proposal(labelled, embedding=(1.0, 0.0))
        submit(labelled, person)
    alike, unlike = make_patch(project), make_patch(project)
    make_proposal(alike, mean_entropy_nats=0.9, embedding=(0.999, 0.0447))
    make_proposal(unlike, mean_entropy_nats=0.5, embedding=(0.0, 1.0))
    set_rules(project, strategy=Strategy.DIVERSITY)
    ranking = rank_patches(project.pk)
    assert served(project) == [unlike.pk, alike.pk]
    assert QueueEntry.objects.get(patch=unlike).reason == QueueReason.NOVELTY
    assert ranking.parameters["labelled_embeddings"] == 2


def test_without_proposals_patches_are_spread_and_it_is_said(campaign: Campaign) -> None:
    rank_patches(campaign.project.pk)
    client = campaign.client("annotator")
    patch = client.post(f"/api/v1/projects/{campaign.project.slug}/claims/").json()["patch"]
    assert patch["queue"]["reason"] == "spread"
    assert patch["queue"]["explanation"] == "spread over the area: not ranked by entropy yet; audit: no"
    assert patch["queue"]["ranking"]["scored_count"] == 0


def test_a_place_is_explained_in_a_line_and_can_be_reproduced(campaign: Campaign) -> None:
    project, client = campaign.project, campaign.client("annotator")
    first = project.patches.get(state="unlabelled")
    make_proposal(first, mean_entropy_nats=0.82, scene=campaign.scene)
    for column in range(40, 73):
        make_proposal(make_patch(project, column), mean_entropy_nats=0.1, scene=campaign.scene)
    ranking = rank_patches(project.pk)
    queue = client.get(f"/api/v1/patches/{first.pk}/").json()["queue"]
    assert queue["explanation"] == "entropy 0.82 nats, top 3 %; audit: no; version 1 on October"
    assert (queue["place"], queue["worth"], queue["worth_rank"], queue["is_audit"]) == (1, 0.82, 1, False)
    facts = queue["ranking"]
    assert facts["order_hash"] == ranking.order_hash == rank_patches(project.pk).order_hash
    assert (facts["strategy"], facts["seed"], facts["audit_share"]) == ("entropy", 0, 0.0)
    assert (facts["model_version"], facts["scene"], facts["is_stale"]) == (1, campaign.scene.pk, False)
    claim_next(project=project, user=campaign.people["annotator"])
    told = Event.objects.get(subject="patch", subject_id=first.pk, verb="claimed")
    assert told.facts == {"ranking": QueueEntry.objects.get(patch=first).ranking_id, "place": 1}


def test_a_fixed_share_is_drawn_by_chance_and_each_patch_knows(project: Project) -> None:
    patches = [make_patch(project, column, 7) for column in range(40)]
    for number, patch in enumerate(patches):
        make_proposal(patch, mean_entropy_nats=number / 100)
    set_rules(project, audit_share=0.2, queue_seed=4)
    ranking = rank_patches(project.pk)
    drawn = inference.is_audited(tuple(patch.quadkey for patch in patches), 4, 0.2)
    wanted = {patch.pk for patch, is_drawn in zip(patches, drawn, strict=True) if is_drawn}
    assert set(Patch.objects.filter(is_audit=True).values_list("pk", flat=True)) == wanted
    assert (ranking.audit_count, ranking.seed, ranking.audit_share) == (len(wanted), 4, 0.2)
    entries = {entry.patch_id: entry for entry in QueueEntry.objects.all()}
    assert {pk for pk, entry in entries.items() if entry.reason == QueueReason.AUDIT} == wanted
    assert [pk in wanted for pk in served(project)[:10]].count(True) == 2
    set_rules(project, audit_share=0.2, queue_seed=5)
    rank_patches(project.pk)
    assert set(Patch.objects.filter(is_audit=True).values_list("pk", flat=True)) != wanted


def test_scores_of_another_scene_or_of_changed_rules_say_that_they_are_stale(project: Project) -> None:
    patch = make_patch(project)
    make_proposal(patch)
    rank_patches(project.pk)
    assert latest_ranking(project.pk).staleness == Staleness.FRESH
    newer = make_scene(project, acquired_on=timezone.localdate())
    assert latest_ranking(project.pk).staleness == Staleness.SCENE
    ranking = rank_patches(project.pk)
    assert ranking.scene != newer, "the newer scene has no proposals; the order says of which scene it is"
    assert latest_ranking(project.pk).staleness == Staleness.SCENE
    set_rules(project, strategy=Strategy.SPREAD)
    assert latest_ranking(project.pk).staleness == Staleness.RULES
    rank_patches(project.pk)
    assert latest_ranking(project.pk).staleness == Staleness.FRESH


def test_a_ranking_that_is_half_written_never_mixes_with_the_one_before(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    patches = [make_patch(project) for _ in range(4)]
    for number, patch in enumerate(patches):
        make_proposal(patch, mean_entropy_nats=number / 10)
    rank_patches(project.pk)
    before = served(project)
    assert before == [patch.pk for patch in reversed(patches)]
    set_rules(project, strategy=Strategy.SPREAD, queue_seed=3)
    monkeypatch.setattr("annotator.domain.ranking.CHUNK", 2)
    turns = []

    def lock(project_id: int) -> Project:
        # After the first rows are written, somebody else begins a newer ranking.
        turns.append(lock_project(project_id))
        if len(turns) == 2:
            Ranking.objects.create(project=project, strategy="spread")
        return turns[-1]

    monkeypatch.setattr("annotator.domain.ranking.lock_project", lock)
    older = rank_patches(project.pk)
    assert older.finished_at is None
    assert latest_ranking(project.pk).ranking.strategy == "entropy"
    written = set(QueueEntry.objects.filter(ranking=older).values_list("patch_id", flat=True))
    assert len(written) == 2
    assert set(served(project)[:2]) == written, "what is written goes first"
    assert served(project)[2:] == [pk for pk in before if pk not in written]


def test_a_returned_patch_keeps_its_place(project: Project) -> None:
    person = make_member(project)
    patch, other = make_patch(project), make_patch(project)
    revision = submit(patch, person)
    review_patch(
        patch=patch,
        user=project.created_by,
        verdict=Verdict.RETURN,
        revision_number=revision.number,
        comment="The track.",
    )
    rank_patches(project.pk)
    assert served(project) == [patch.pk, other.pk]
    assert QueueEntry.objects.get(patch=patch).reason == QueueReason.RETURNED


def test_a_batch_of_approvals_ranks_anew(project: Project, settings) -> None:  # type: ignore[no-untyped-def]
    settings.RANK_AFTER_APPROVALS = 2
    rank_patches(project.pk)
    approve(make_patch(project), project.created_by)
    assert rank_due_projects() == 0
    approve(make_patch(project), project.created_by)
    make_project(name="Idle")
    assert rank_due_projects() == 1
    assert Ranking.objects.filter(project=project).count() == 2
    assert rank_due_projects() == 0, "nothing was approved since"


def test_no_ranking_is_made_from_half_of_the_proposals(project: Project, settings) -> None:  # type: ignore[no-untyped-def]
    settings.RANK_AFTER_APPROVALS = 1
    make_proposal(make_patch(project))
    approve(make_patch(project), project.created_by)
    job = project.inference_jobs.create(
        scene=project.scenes.get(),
        model_version=project.model_versions.get(),
        state="running",
        done=1,
        total=9,
    )
    assert rank_due_projects() == 0, "one follows when the proposals are there"
    job.state = "cancelled"
    job.save()
    assert rank_due_projects() == 1


def test_proposals_of_a_job_that_failed_are_ranked_too(project: Project) -> None:
    make_proposal(make_patch(project))
    long_ago = timezone.now() - timedelta(hours=1)
    project.inference_jobs.create(
        scene=project.scenes.get(), model_version=project.model_versions.get(), state="failed", done=1,
        total=9, ended_at=long_ago, heartbeat_at=long_ago,
    )  # fmt: skip
    assert resend_lost_jobs() == 1


def test_a_ranking_whose_worker_was_lost_is_made_again(project: Project) -> None:
    make_proposal(make_patch(project))
    long_ago = timezone.now() - timedelta(hours=1)
    project.inference_jobs.create(
        scene=project.scenes.get(), model_version=project.model_versions.get(), state="succeeded", done=1,
        total=1, ended_at=long_ago, heartbeat_at=long_ago,
    )  # fmt: skip
    half = Ranking.objects.create(project=project, strategy="entropy")
    assert resend_lost_jobs() == 0, "somebody is at it"
    Ranking.objects.filter(pk=half.pk).update(heartbeat_at=long_ago)
    assert resend_lost_jobs() == 1
    rank_patches(project.pk)
    assert resend_lost_jobs() == 0


def test_the_page_tells_what_comes_next_and_why_and_ranks_anew(
    campaign: Campaign, django_capture_on_commit_callbacks
) -> None:  # type: ignore[no-untyped-def]
    client, patch = campaign.client("ml_staff"), campaign.project.patches.get(state="unlabelled")
    assert "Not ranked yet" in client.get(campaign.url("queue")).content.decode()
    before = query_count(client, campaign.url("queue"))
    make_proposal(patch, mean_entropy_nats=0.82)
    rank_patches(campaign.project.pk)
    text = client.get(campaign.url("queue")).content.decode()
    assert "entropy 0.82 nats, top 100 %" in text
    assert f'<a href="{reverse("timeline", args=[campaign.project.slug, patch.pk])}">{patch}</a>' in text
    for _ in range(3):
        make_proposal(make_patch(campaign.project))
    rank_patches(campaign.project.pk)
    assert query_count(client, campaign.url("queue")) <= before + 2, (
        "what the ranking is of, and whether it is stale"
    )
    with django_capture_on_commit_callbacks() as sent:
        client.post(campaign.url("rank_queue"))
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"strategy": "luck"}, "strategy"),
        ({"audit_share": 0.6}, "audit_share"),
        ({"audit_share": -0.1}, "audit_share"),
        ({"audit_share": float("nan")}, "audit_share"),
        ({"queue_seed": -1}, "queue_seed"),
    ],
)
def test_rules_that_cannot_be_are_refused_at_their_field(
    project: Project, rules: dict[str, object], field: str
) -> None:
    with pytest.raises(BadRule) as caught:
        set_rules(project, **rules)
    assert caught.value.facts == {"field": field}
    assert not Event.objects.filter(verb="queue rules changed").exists()


def test_leads_and_ml_staff_change_the_rules_by_page_and_by_api(
    campaign: Campaign, django_capture_on_commit_callbacks
) -> None:  # type: ignore[no-untyped-def]
    page, api = campaign.url("queue"), f"/api/v1/projects/{campaign.project.slug}/queue-rules/"
    wanted = {"strategy": "margin", "audit_share": 0.25, "queue_seed": 9}
    for person, status in (("lead", 302), ("ml_staff", 302), ("annotator", 403), ("stranger", 404)):
        assert campaign.client(person).post(page, wanted).status_code == status, person
    wrong = campaign.client("lead").post(page, wanted | {"audit_share": 0.9})
    assert wrong.status_code == 422
    campaign.project.refresh_from_db()
    assert (campaign.project.strategy, campaign.project.queue_seed) == ("margin", 9)
    assert Event.objects.filter(verb="queue rules changed").count() == 1, (
        "the same rules again change nothing"
    )
    for person, status in (("lead", 200), ("ml_staff", 200), ("annotator", 403), ("stranger", 404)):
        change = {"queue_seed": 9 + len(person)}
        with django_capture_on_commit_callbacks() as sent:
            answer = campaign.client(person).patch(api, change, content_type="application/json")
        assert answer.status_code == status, person
        assert len(sent) == (status == 200), "the queue is ranked by the new rules"
    assert campaign.client("annotator").get(api).json()["strategy"] == "margin"
    assert campaign.client("stranger").get(api).status_code == 404
    too_much = campaign.client("lead").patch(api, {"audit_share": 2}, content_type="application/json")
    assert (too_much.status_code, too_much.json()["code"]) == (422, "bad-rule")


def test_the_queue_is_told_in_as_many_queries_for_three_patches_as_for_one(campaign: Campaign) -> None:
    client, url = campaign.client("lead"), f"/api/v1/projects/{campaign.project.slug}/queue/"

    def count() -> int:
        rank_patches(campaign.project.pk)
        client.get(url)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(url).status_code == 200
        return len(queries)

    make_proposal(campaign.project.patches.get(state="unlabelled"), scene=campaign.scene)
    one = count()
    for column in (50, 51):
        make_proposal(make_patch(campaign.project, column), scene=campaign.scene)
    assert count() == one


def test_ranking_asks_as_many_queries_for_three_patches_as_for_one(project: Project) -> None:
    def count() -> int:
        make_proposal(make_patch(project))
        with CaptureQueriesContext(connection) as queries:
            rank_patches(project.pk)
        return len(queries)

    # The first of all also makes the row of who is at it.
    rank_patches(project.pk)
    counts = [count() for _ in range(3)]
    assert counts[0] == counts[2]


def test_the_sample_can_be_listed(campaign: Campaign) -> None:
    drawn = make_patch(campaign.project, 90)
    Patch.objects.filter(pk=drawn.pk).update(is_audit=True)
    url = f"/api/v1/projects/{campaign.project.slug}/patches/"
    listed = campaign.client("lead").get(url, {"audit": "1"}).json()["results"]
    assert [(row["id"], row["is_audit"]) for row in listed] == [(drawn.pk, True)]


def test_a_lead_has_the_queue_ranked_and_a_lost_message_is_sent_again(
    campaign: Campaign, settings, django_capture_on_commit_callbacks
) -> None:  # type: ignore[no-untyped-def]
    settings.JOB_LOST_AFTER_SECONDS = 0
    before = rank_patches(campaign.project.pk)
    url = f"/api/v1/projects/{campaign.project.slug}/queue/"
    assert campaign.client("annotator").post(url).status_code == 403
    assert resend_lost_jobs() == 0
    with django_capture_on_commit_callbacks() as sent:
        answer = campaign.client("lead").post(url)
    assert (answer.status_code, answer.json(), len(sent)) == (202, {"before": before.pk}, 1)
    assert resend_lost_jobs() == 1
    after = rank_patches(campaign.project.pk)
    assert resend_lost_jobs() == 0
    assert campaign.client("lead").get(url).json()["ranking"]["id"] == after.pk


def test_patches_are_listed_by_box(campaign: Campaign) -> None:
    patch = make_patch(campaign.project, 90)
    west, south, east, north = lonlat_bounds(patch.x, patch.y, patch.z)
    url, client = f"/api/v1/projects/{campaign.project.slug}/patches/", campaign.client("annotator")
    inside = f"{west + 1e-5},{south + 1e-5},{east - 1e-5},{north - 1e-5}"
    assert [row["id"] for row in client.get(url, {"bbox": inside}).json()["results"]] == [patch.pk]
    assert len(client.get(url, {"bbox": "-180,-90,180,90"}).json()["results"]) == 3
    wrong = client.get(url, {"bbox": "1,2,3"})
    assert (wrong.status_code, list(wrong.json()["errors"])) == (400, ["bbox"])
