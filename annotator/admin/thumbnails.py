from __future__ import annotations

import base64
from collections.abc import Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString

from annotator.admin.pictures import class_shares, mask_png
from annotator.domain.masks import values_of
from annotator.models import LabelClass


def mask_image(png: bytes | memoryview, legend: Sequence[LabelClass]) -> SafeString:
    """The mask in the legend's colours, with its classes' shares as its text."""
    mask = values_of(png)
    source = base64.b64encode(mask_png(mask, legend)).decode()
    return format_html(
        '<img class="mask" src="data:image/png;base64,{}" width="256" height="256" alt="The mask: {}">',
        source,
        class_shares(mask, legend),
    )
