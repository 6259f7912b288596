"""Access tokens: what they open, for how long, and what they never do."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotator.domain.access_tokens import MOST_TOKENS, make_token
from annotator.domain.invitations import make_invitation
from annotator.enums import Role, TokenScope
from annotator.errors import BadToken
from annotator.models import AccessToken
from tests.campaigns import Campaign
from tests.factories import (
    PASSWORD,
    client_of,
    make_access_token,
    make_user,
)

pytestmark = pytest.mark.django_db
TOKENS, PROJECTS = "/api/v1/tokens/", "/api/v1/projects/"


def by(token: str) -> dict[str, str]:
    return {"Authorization": f"Token {token}"}


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def post(client: Client, url: str, headers: dict[str, str] | None = None, **values: object) -> Any:
    return client.post(url, values, content_type="application/json", headers=headers or {})


def test_a_token_is_told_once_and_no_column_has_it() -> None:
    ada = make_user()
    answer = post(client_of(ada), TOKENS, name="QGIS", days=30)
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    token = answer.json()["token"]
    assert token.startswith("milpa_")
    row = AccessToken.objects.values().get(user=ada)
    # The first characters tell it from others; what is left has more than 200 bits.
    assert [name for name, value in row.items() if str(value) in token and len(str(value)) > 3] == [
        "token_key"
    ]
    assert len(token) - len(row["token_key"]) > 50
    (told,) = Client().get(TOKENS, headers=by(token)).json()["results"]
    assert "token" not in told
    assert (told["name"], told["scope"], told["is_current"]) == ("QGIS", "read", True)


def test_a_password_gets_one_without_a_session_and_others_are_kept() -> None:
    ada = make_user()
    tokens = [
        post(Client(), TOKENS, username=ada.username, password=PASSWORD, name=name, scope="full").json()[
            "token"
        ]
        for name in ("first", "second")
    ]
    assert [Client().get(PROJECTS, headers=by(one)).status_code for one in tokens] == [200, 200]
    wrong = post(Client(), TOKENS, username=ada.username, password="wrong", name="third")
    assert (wrong.status_code, list(wrong.json()["errors"])) == (400, ["password"])
    assert post(Client(), TOKENS, name="third").status_code == 401


def test_passwords_are_not_tried_for_long() -> None:
    cache.clear()
    name = make_user().username
    tries = [post(Client(), TOKENS, username=name, password="wrong", name="x").status_code for _ in range(11)]
    assert tries == [400] * 10 + [429]
    assert (
        post(Client(), TOKENS, username=make_user().username, password="wrong", name="x").status_code == 400
    )


def test_a_token_makes_no_tokens_and_ends_only_itself() -> None:
    ada = make_user()
    one, other = make_access_token(ada), make_access_token(ada)
    row, others = AccessToken.objects.order_by("pk")
    refused = post(Client(), TOKENS, by(one), name="longer", days=365)
    assert (refused.status_code, refused.json()["code"]) == (403, "token-not-enough")
    refused = Client().delete(f"{TOKENS}{others.pk}/", headers=by(one))
    assert (refused.status_code, refused.json()["code"]) == (403, "token-not-enough")
    assert Client().delete(f"{TOKENS}{row.pk}/", headers=by(one)).status_code == 204
    assert Client().get(PROJECTS, headers=by(one)).status_code == 401
    assert Client().get(PROJECTS, headers=by(other)).status_code == 200


def test_nobody_else_sees_or_revokes_it() -> None:
    make_access_token(make_user())
    row = AccessToken.objects.get()
    stranger = client_of(make_user())
    assert stranger.get(TOKENS).json()["results"] == []
    assert stranger.delete(f"{TOKENS}{row.pk}/").status_code == 404
    assert Client().delete(f"{TOKENS}{row.pk}/").status_code == 401
    assert Client().get(TOKENS).status_code == 401
    assert AccessToken.objects.count() == 1


def test_what_does_not_sign_in_is_told_why() -> None:
    ada = make_user()
    token = make_access_token(ada)
    AccessToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    expired = Client().get(PROJECTS, headers=by(token))
    assert (expired.status_code, expired["WWW-Authenticate"]) == (401, "Token")
    assert "expired on" in expired.json()["detail"]
    AccessToken.objects.update(expiry=timezone.now() + timedelta(days=1))
    User.objects.update(is_active=False)
    assert "not active" in Client().get(PROJECTS, headers=by(token)).json()["detail"]
    for wrong in (
        "Token wrong",
        f"Token {PASSWORD.split()[0]}",
        "Token",
        "Token a b",
        "Token \xff",
        "Token a\u0000b",
    ):
        answer = Client().get(PROJECTS, headers={"Authorization": wrong})
        assert (answer.status_code, answer.json()["code"]) == (401, "not-signed-in"), wrong


def test_each_role_may_by_token_what_it_may_by_session(campaign: Campaign) -> None:
    url = f"/api/v1/projects/{campaign.project.slug}/invitations/"
    for role, user in campaign.people.items():
        told = Client().get(url, headers=by(make_access_token(user))).status_code
        assert told == campaign.client(role).get(url).status_code, role


def test_a_token_that_reads_only_writes_nothing(campaign: Campaign) -> None:
    lead = campaign.people["lead"]
    make_invitation(project=campaign.project, user=lead, role=Role.LEAD, days=1)
    token = make_access_token(lead, scope=TokenScope.READ)
    project = f"/api/v1/projects/{campaign.project.slug}"
    assert Client().get(f"{project}/desk/", headers=by(token)).status_code == 200
    for method, url in (
        ("POST", f"{project}/claims/"),
        ("PUT", f"/api/v1/patches/{campaign.patch.pk}/mask/"),
        ("PATCH", f"{project}/queue-rules/"),
        ("DELETE", f"/api/v1/patches/{campaign.patch.pk}/gold/"),
    ):
        answer = Client().generic(method, url, "{}", content_type="application/json", headers=by(token))
        assert (answer.status_code, answer.json()["code"]) == (403, "token-reads-only"), url
    # By the link of an invitation one could write after all.
    (told,) = Client().get(f"{project}/invitations/", headers=by(token)).json()["results"]
    assert told["url"] is None
    (told,) = Client().get(f"{project}/invitations/", headers=by(make_access_token(lead))).json()["results"]
    assert "/invitations/" in told["url"]


def test_signing_in_costs_a_query_and_one_more_on_the_first_of_a_day() -> None:
    ada = make_user()
    for _ in range(3):
        token = make_access_token(ada)

    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            # A page of tokens, and whose it is.
            assert Client().get(TOKENS, headers=by(token)).status_code == 200
        return [one["sql"].split()[0] for one in captured]

    first, again = queries(), queries()
    assert first.count("UPDATE") == 1
    assert again == ["SELECT", "SELECT"]
    used = AccessToken.objects.filter(last_used_on__isnull=False).get()
    assert (token.startswith(used.token_key), used.last_used_on) == (True, timezone.now().date())


def test_what_other_programs_open_takes_a_token_for_a_password(campaign: Campaign) -> None:
    slug, ada = campaign.project.slug, campaign.people["annotator"]
    stranger = campaign.people["stranger"]
    token = make_access_token(ada, scope=TokenScope.READ)
    for url, is_asked_by_pages in (
        (f"/ogc/projects/{slug}/collections", False),
        (f"/api/v1/projects/{slug}/wmts.xml", False),
        (f"/api/v1/scenes/{campaign.scene.pk}/tilejson.json", False),
        (f"/tiles/projects/{slug}/patches/3/1/1", True),
        (f"/tiles/projects/{slug}/parcels/3/1/1", True),
        (f"/tiles/projects/{slug}/desk/3/1/1", True),
    ):
        lead_only = "/desk/" in url

        def ask(headers: dict[str, str], url: str = url) -> Any:
            return Client().get(url, headers=headers)

        assert ask(basic(ada.username, token)).status_code == (403 if lead_only else 200), url
        assert ask(by(token)).status_code == (403 if lead_only else 200), url
        assert ask(basic(stranger.username, make_access_token(stranger))).status_code == 404, url
        for wrong in (basic(ada.username, PASSWORD), basic("somebody", token), {"Authorization": "Basic %%"}):
            answer = ask(wrong)
            assert (answer.status_code, answer.json()["code"]) == (401, "not-signed-in"), url
            assert lead_only or answer["WWW-Authenticate"].startswith("Basic realm="), url
        # A browser would open a dialogue over the page whose map asks for tiles.
        challenge = ask({})["WWW-Authenticate"]
        assert challenge == "Token" if is_asked_by_pages else challenge.startswith("Basic"), url
    assert Client().get(PROJECTS, headers=basic(ada.username, token)).status_code == 401


@pytest.mark.parametrize(("name", "days"), [(" ", 5), ("x", 0), ("x", 366)])
def test_a_token_has_a_name_and_an_end(name: str, days: int) -> None:
    with pytest.raises(BadToken):
        make_token(user=make_user(), name=name, days=days, scope=TokenScope.READ)


def test_one_person_has_few_and_what_expired_long_ago_does_not_count() -> None:
    ada = make_user()
    for _ in range(MOST_TOKENS):
        make_access_token(ada)
    with pytest.raises(BadToken, match="Revoke"):
        make_access_token(ada)
    make_access_token(make_user())
    AccessToken.objects.filter(user=ada).update(expiry=timezone.now() - timedelta(days=31))
    make_access_token(ada)
    assert AccessToken.objects.filter(user=ada).count() == 1


def test_an_operator_makes_one(capsys: pytest.CaptureFixture[str]) -> None:
    ada = make_user()
    call_command("make_token", ada.username, "--days", "3", "--scope", "full")
    assert Client().get(PROJECTS, headers=by(capsys.readouterr().out.strip())).status_code == 200
    with pytest.raises(CommandError, match="nobody called"):
        call_command("make_token", "nobody")
    with pytest.raises(CommandError, match="between 1 and"):
        call_command("make_token", ada.username, "--days", "900")


def test_a_superuser_sees_whose_they_are_and_revokes_them() -> None:
    make_access_token(make_user("ada"))
    row = AccessToken.objects.get()
    root = client_of(User.objects.create_superuser("root"))
    page = root.get("/admin/annotator/accesstoken/").content.decode()
    assert row.token_key in page
    assert row.digest not in page
    page = root.get(f"/admin/annotator/accesstoken/{row.pk}/change/").content.decode()
    assert row.digest not in page
    root.post(f"/admin/annotator/accesstoken/{row.pk}/delete/", {"post": "yes"})
    assert not AccessToken.objects.exists()
    assert client_of(make_user(is_staff=True)).get("/admin/annotator/accesstoken/").status_code == 403
