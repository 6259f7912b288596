"""A token is got with a password, signs in, and signs in no more once it is revoked."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db
TOKEN, PROJECTS = "/api/v1/token/", "/api/v1/projects/"


def got(client: Client, username: str) -> dict[str, str]:
    """The header that signs in with the person's token."""
    answer = client.post(TOKEN, {"username": username, "password": PASSWORD})
    return {"Authorization": f"Token {answer.json()['token']}"}


def test_a_revoked_token_signs_in_no_more_and_the_next_is_another(client: Client) -> None:
    one, other = make_user(), make_user()
    first, others = got(client, one.username), got(client, other.username)
    assert got(client, one.username) == first
    assert client.get(PROJECTS, headers=first).status_code == 200
    assert client.delete(TOKEN, headers=first).status_code == 204
    refused = client.get(PROJECTS, headers=first)
    assert (refused.status_code in {401, 403}, refused.json()["code"]) == (True, "not-signed-in")
    assert client.get(PROJECTS, headers=others).status_code == 200
    assert got(client, one.username) != first


def test_nobody_else_revokes_it(client: Client) -> None:
    refused = client.delete(TOKEN)
    assert (refused.status_code in {401, 403}, refused.json()["code"]) == (True, "not-signed-in")
    wrong = client.post(TOKEN, {"username": make_user().username, "password": "wrong"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid")
