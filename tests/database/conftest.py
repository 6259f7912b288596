from __future__ import annotations

import pytest

from annotator.domain.training import request_run
from annotator.models import TrainingRun
from tests.campaigns import Campaign, make_campaign
from tests.factories import approve, make_patch


@pytest.fixture
def campaign(db: None) -> Campaign:
    return make_campaign()


@pytest.fixture
def labelled(campaign: Campaign) -> Campaign:
    """With four approved patches, so that there is something to train on."""
    for column in range(1000, 1016, 4):
        approve(make_patch(campaign.project, column), campaign.people["lead"])
    return campaign


@pytest.fixture
def run(labelled: Campaign) -> TrainingRun:
    return request_run(project=labelled.project, user=labelled.people["ml_staff"])
