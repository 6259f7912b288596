"""A person makes an access token by keyboard, copies it, uses it, and revokes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, expect

from annotator.models import Project

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_token_is_made_copied_and_revoked(
    page: Page, live_server: Any, sign_in: Callable[[User], Page], project: Project
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=live_server.url)
    sign_in(project.created_by)
    page.locator("#person-menu summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Access tokens")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_label("Name").fill("QGIS on the field laptop")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Make the token")).to_be_focused()
    page.keyboard.press("Enter")
    token = page.get_by_label("The token", exact=True).input_value()
    page.get_by_role("button", name="Copy the token").click()
    expect(page.get_by_role("status")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == token
    headers = {"Authorization": f"Token {token}"}
    assert Client().get("/api/v1/projects/", headers=headers).status_code == 200
    page.goto(f"{live_server.url}/tokens/")
    assert token not in page.content()
    expect(page.get_by_role("row", name=re.compile("QGIS on the field laptop.*read only"))).to_be_visible()
    page.get_by_role("button", name="Revoke QGIS on the field laptop").click()
    expect(page.locator(".messages")).to_contain_text("is revoked")
    assert Client().get("/api/v1/projects/", headers=headers).status_code == 401
