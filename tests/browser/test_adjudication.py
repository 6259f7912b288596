"""A lead decides between two masks of one patch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from annotator.domain.annotations import save_mask
from annotator.domain.claims import claim_next
from annotator.enums import Role
from annotator.models import Patch, Project
from tests.factories import make_member, make_patch, make_scene, mask_of, submit

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_lead_sees_both_masks_side_by_side_and_takes_the_second(
    live_server: Any, sign_in: Callable[[User], Page], project: Project, annotator: User
) -> None:
    Project.objects.filter(pk=project.pk).update(double_share=1.0)
    make_scene(project)
    patch, second = make_patch(project), make_member(project)
    masks = mask_of(0), mask_of(0)
    masks[0][30:200, 30:200] = 1
    masks[1][90:250, 60:250] = 1
    masks[1][90:94] = 2
    submit(patch, annotator, masks[0])
    claim_next(project=project, user=second)
    save_mask(patch=patch, user=second, mask=masks[1], base_number=0, submit=True)

    page = sign_in(make_member(project, Role.LEAD))
    page.goto(f"{live_server.url}/projects/{project.slug}/review/")
    expect(page.locator("table")).to_contain_text("Two masks disagree")
    page.get_by_role("link", name="Review the first").click()
    page.wait_for_url(f"**/review/{patch.pk}/two/")
    expect(page.locator("#apart")).to_contain_text("They differ in")
    expect(page.locator(".review-views")).to_contain_text(second.username)
    page.keyboard.press("x")
    expect(page.locator("#view-second .difference-canvas")).to_be_visible()
    page.keyboard.press("r")
    expect(page.locator("#comment")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Approve the second")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    with page.expect_response("**/adjudication/") as answer:
        page.keyboard.press("2")
    assert answer.value.status == 200
    page.wait_for_url("**/review/")
    patch = Patch.objects.get(pk=patch.pk)
    assert (patch.state, patch.annotation.current.author) == ("approved", second)
