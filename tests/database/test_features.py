"""Parcels and patches by OGC API Features, as other programs read them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import shapely
from django.test import Client

from annotator.domain.annotations import save_mask
from annotator.domain.claims import claim_patch
from annotator.domain.gold import mark_gold
from annotator.domain.parcels import draw_wanted_parcels
from annotator.domain.reviews import review_patch
from annotator.enums import Role, TokenScope, Verdict
from annotator.models import Parcel, Project
from tests.campaigns import Campaign
from tests.factories import approve, make_access_token, make_member, make_patch, make_project, make_proposal
