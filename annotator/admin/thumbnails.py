from __future__ import annotations

import base64
import io
from collections.abc import Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString
from PIL import Image

from annotator.models import LabelClass

UNSURE_COLOR = "#ffffff"


def mask_image(mask_png: bytes | memoryview, legend: Sequence[LabelClass]) -> SafeString:
    """The mask in the legend's colours; pixels that are unsure are white."""
    colors = [UNSURE_COLOR] * 256
    for label_class in legend:
        colors[label_class.value] = label_class.color
    image = Image.open(io.BytesIO(bytes(mask_png)))
    image.putpalette(bytes.fromhex("".join(color.removeprefix("#") for color in colors)))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    source = base64.b64encode(buffer.getvalue()).decode()
    return format_html(
        '<img class="mask" src="data:image/png;base64,{}" width="256" height="256" alt="The mask">', source
    )
