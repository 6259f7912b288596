"""Sheets of pictures: images beside their truth and the masks and entropies of as many models as there are.

Run by itself it lays the starter's answers and the U-Net's beside drawn landscapes and real places under
`MILPA_DATA`; the last line is flat JSON. `--out FILE` is where the sheet goes, `sheet.png` in a new temporary
folder if left out; `--quick` takes one row. `make sheet` makes the one of the documentation.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont
from rasterio.enums import Resampling
from rasterio.windows import Window

from mlservice.contracts import PATCH_SIZE_PX, UNSURE, Legend
from mlservice.uncertainty import largest_entropy_nats

WIDEST_PX = 1600
LARGEST_BYTES = 600_000
GAP_PX, LINE_PX, FONT_PX = 8, 26, 16
UNSURE_COLOR = "#ffffff"
ENTROPY_COLORS = "cividis"
PLACE_SIZE_M = 600.0
STRETCH_PERCENTILES = (2, 98)

Panel = NDArray[np.uint8] | NDArray[np.floating]
Swatch = tuple[Image.Image, str]


@dataclass(frozen=True)
class SheetRow:
    """One image and what is said of it.

    ``image`` is uint8 ``(rows, cols, 3)``, ``truth`` a mask of class values or None where there is none.
    ``panels`` are by name, in the order of the columns: a mask where uint8, of pixels or cells alike, and
    entropies in nats where of floats.
    """

    caption: str
    image: NDArray[np.uint8]
    truth: NDArray[np.uint8] | None = None
    panels: Mapping[str, Panel] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """A spot of a real scene: a GeoTIFF under `MILPA_DATA`, its red, green and blue bands, the centre pixel.

    ``attribution`` must stand beside any picture of it that is published.
    """

    caption: str
    attribution: str
    scene: str
    center_row: int
    center_col: int
    truth: str | None = None
    bands: tuple[int, int, int] = (3, 2, 1)


DRAWN = (
    ("a", 1.0, 1.0),
    ("a", 1.0, 1.0),
    ("a", 2.3, 10.0),
    ("b", 1.0, 1.0),
    ("b", 1.0, 1.0),
    ("b", 2.3, 10.0),
)
"""Region, ground width of a pixel in metres, and of a pixel of the sensor."""

PLACES = {
    "maharashtra": Place(
        "Maharashtra, India: Sentinel-2, 3 October 2022",
        "Contains modified Copernicus Sentinel data 2022.",
        *("maharashtra-s2-scene/s2_sr_maharashtra_20221003.tif", 545, 440),
    ),
    "cambodia": Place(
        "Cambodia: Sentinel-2, January 2021",
        "AI4SmallFarms, Persello et al. 2023, https://doi.org/10.17026/dans-xy6-ngg6, CC BY 4.0; contains modified "
        "Copernicus Sentinel data 2021.",
        *("ai4smallfarms-cambodia-scene/s2_cambodia_tile12_202101.tif", 420, 380),
    ),
    "denmark": Place(
        "Denmark: Sentinel-2, 8 May 2016, declared parcels",
        "Danish Agricultural Agency, LPIS “Marker 2016”; contains modified Copernicus Sentinel data 2016; clip by "
        "C. Rieke.",
        *("denmark-lpis-s2/image.tif", 110, 55, "denmark-lpis-s2/label_field3.tif"),
    ),
}
"""Places full of fields. Denmark's truth has the values 0 other, 1 field, 2 boundary of the drawn landscapes."""


def read_place(
    place: Place, data: Path, size_m: float = PLACE_SIZE_M
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """A patch of 256 × 256 px around the place, and its truth if it has one.

    ``size_m`` on the ground is resampled bilinearly, the truth to the nearest pixel: 600 m are 2.3 m a pixel.
    Each band is stretched from its 2nd to its 98th percentile over the scene, as the application does. Raises
    ValueError when the square reaches beyond the scene.
    """
    with rasterio.open(data / place.scene) as scene:
        window = _window(scene, place, size_m)
        whole = scene.read(place.bands)
        low, high = np.percentile(whole[:, whole.all(0)], STRETCH_PERCENTILES, axis=1)[..., None, None]
        bands = _resampled(scene, place.bands, window, Resampling.bilinear)
        image = np.clip((bands.astype(np.float64) - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    if place.truth is None:
        return image.transpose(1, 2, 0), None
    with rasterio.open(data / place.truth) as labels:
        truth = _resampled(labels, (1,), window, Resampling.nearest)[0].astype(np.uint8)
    return image.transpose(1, 2, 0), truth


def _window(scene: rasterio.DatasetReader, place: Place, size_m: float) -> Window:
    cols, rows = size_m / abs(scene.transform.a), size_m / abs(scene.transform.e)
    top, left = place.center_row - rows / 2, place.center_col - cols / 2
    if min(top, left) < 0 or top + rows > scene.height or left + cols > scene.width:
        raise ValueError(f"{size_m:g} m around {place.caption} reach beyond its scene")
    return Window(left, top, cols, rows)


def _resampled(
    dataset: rasterio.DatasetReader, bands: tuple[int, ...], window: Window, resampling: Resampling
) -> NDArray[np.generic]:
    shape = (len(bands), PATCH_SIZE_PX, PATCH_SIZE_PX)
    return np.asarray(dataset.read(bands, window=window, out_shape=shape, resampling=resampling))


def picture_sheet(rows: Sequence[SheetRow], out_path: Path, legend: Legend) -> None:
    """Draw a PNG of at most `WIDEST_PX` and `LARGEST_BYTES`: a row for each image, a column for each panel.

    A column that a row lacks says none. Below stand the legend's colours and, if there are entropies, their
    scale up to ln(classes). Panels shrink, and colours become a palette of 256, as far as it takes.
    Raises ValueError when a mask has a value that is not in the legend.
    """
    names = ["image", *(["truth"] if any(row.truth is not None for row in rows) else [])]
    names += dict.fromkeys(name for row in rows for name in row.panels)
    widest = min(PATCH_SIZE_PX, (WIDEST_PX - GAP_PX) // len(names) - GAP_PX)
    for panel_px in (widest, widest * 3 // 4, widest // 2, widest // 4):
        sheet = _draw(rows, names, panel_px, legend)
        for candidate in (sheet, sheet.quantize(256, dither=Image.Dither.NONE)):
            encoded = BytesIO()
            candidate.save(encoded, "PNG", optimize=True)
            if encoded.tell() <= LARGEST_BYTES:
                out_path.parent.mkdir(parents=True, exist_ok=True)
                out_path.write_bytes(encoded.getvalue())
                return
    raise ValueError(f"{len(rows)} rows do not fit into a picture of {LARGEST_BYTES} bytes: make several")


def _draw(rows: Sequence[SheetRow], names: Sequence[str], panel_px: int, legend: Legend) -> Image.Image:
    step_px = panel_px + GAP_PX
    row_px = step_px + LINE_PX
    width = GAP_PX + step_px * len(names)
    key_lines = _key_lines(rows, legend, width)
    sheet = Image.new(
        "RGB", (width, LINE_PX + row_px * len(rows) + LINE_PX * len(key_lines) + GAP_PX), "white"
    )
    pen = ImageDraw.Draw(sheet)
    for column, name in enumerate(names):
        _write(pen, GAP_PX + column * step_px, 0, _fitted(name, panel_px))
    for number, row in enumerate(rows):
        top = LINE_PX + number * row_px
        _write(pen, GAP_PX, top, _fitted(row.caption, width - 2 * GAP_PX))
        panels: dict[str, Panel] = {"image": row.image, **row.panels}
        if row.truth is not None:
            panels["truth"] = row.truth
        for column, name in enumerate(names):
            left = GAP_PX + column * step_px
            if name in panels:
                sheet.paste(_picture(panels[name], legend, panel_px), (left, top + LINE_PX))
            else:
                corner = (left + panel_px - 1, top + LINE_PX + panel_px - 1)
                pen.rectangle((left, top + LINE_PX, *corner), outline="#c0c0c0")
                _write(pen, left + FONT_PX // 2, top + LINE_PX, _fitted("none", panel_px - FONT_PX))
    for number, line in enumerate(key_lines):
        left, top = GAP_PX, LINE_PX + len(rows) * row_px + number * LINE_PX
        for swatch, text in line:
            sheet.paste(swatch, (left, top + 5))
            pen.rectangle(
                (left, top + 5, left + swatch.width - 1, top + 4 + swatch.height), outline="#808080"
            )
            left += swatch.width + 6
            _write(pen, left, top, text)
            left += int(_font().getlength(text)) + 18
    return sheet


def _picture(panel: Panel, legend: Legend, size_px: int) -> Image.Image:
    """An image as it is, a mask in the legend's colours, entropies in those of their scale."""
    if panel.ndim == 3:
        return Image.fromarray(panel.astype(np.uint8)).resize((size_px, size_px), Image.Resampling.LANCZOS)
    if np.issubdtype(panel.dtype, np.floating):
        colors = _entropy_colors(panel / largest_entropy_nats(len(legend.classes)))
    else:
        colors = _mask_colors(panel.astype(np.uint8), legend)
    return Image.fromarray(colors).resize((size_px, size_px), Image.Resampling.NEAREST)


def _mask_colors(mask: NDArray[np.uint8], legend: Legend) -> NDArray[np.uint8]:
    if stray := set(np.unique(mask).tolist()) - {*legend.values, UNSURE}:
        raise ValueError(f"the mask has values that are not in the legend: {sorted(stray)}")
    table = np.zeros((256, 3), np.uint8)
    for legend_class in legend.classes:
        table[legend_class.value] = ImageColor.getrgb(legend_class.color)[:3]
    table[UNSURE] = ImageColor.getrgb(UNSURE_COLOR)
    return table[mask]


def _entropy_colors(shares: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Of the scale's colours, dark for 0 and light for 1."""
    return np.asarray(matplotlib.colormaps[ENTROPY_COLORS](np.clip(shares, 0, 1), bytes=True)[..., :3])


def _key_lines(rows: Sequence[SheetRow], legend: Legend, width: int) -> list[list[Swatch]]:
    """Swatches and their words, broken into lines of the sheet's width."""
    shown = [panel for row in rows for panel in (row.truth, *row.panels.values()) if panel is not None]
    masks = [panel for panel in shown if not np.issubdtype(panel.dtype, np.floating)]
    entries = [(Image.new("RGB", (16, 16), c.color), c.name) for c in legend.classes] if masks else []
    if any((mask == UNSURE).any() for mask in masks):
        entries.append((Image.new("RGB", (16, 16), UNSURE_COLOR), "unsure"))
    if len(masks) < len(shown):
        scale = _entropy_colors(np.tile(np.linspace(0, 1, 120), (16, 1)))
        highest = largest_entropy_nats(len(legend.classes))
        entries.append((Image.fromarray(scale), f"entropy: 0 to {highest:.2f} nats"))
    lines: list[list[Swatch]] = [[]]
    used = GAP_PX
    for swatch, text in entries:
        needed = swatch.width + 24 + int(_font().getlength(text))
        if used + needed > width and lines[-1]:
            lines.append([])
            used = GAP_PX
        lines[-1].append((swatch, text))
        used += needed
    return lines


def _write(pen: ImageDraw.ImageDraw, left: int, top: int, text: str) -> None:
    pen.text((left, top + LINE_PX // 2), text, fill="black", font=_font(), anchor="lm")


def _fitted(text: str, width_px: int) -> str:
    """The text, cut with an ellipsis where it is wider than its place."""
    kept = text
    while kept and _font().getlength(kept + "…" * (kept != text)) > width_px:
        kept = kept[:-1]
    return kept if kept == text else kept + "…"


@cache
def _font() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", FONT_PX)


def main() -> None:
    from benchmarks.peers.unet import UNet
    from mlservice.contracts import PatchWindow, SegmentRequest
    from mlservice.landscape import DETAILED_LEGEND
    from mlservice.segment import segment
    from mlservice.starter import starter_model

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if "MILPA_DATA" not in os.environ:
        parser.error("set MILPA_DATA to the folder of real imagery")
    out = options.out or Path(tempfile.mkdtemp(prefix="milpa-sheet-")) / "sheet.png"
    unet, rows, entropies = UNet.load(), [], {}
    shown = drawn_places() | {
        place.caption: read_place(place, Path(os.environ["MILPA_DATA"])) for place in PLACES.values()
    }
    for caption, (image, truth) in list(shown.items())[: 1 if options.quick else None]:
        request = SegmentRequest(starter_model(), DETAILED_LEGEND, image, (PatchWindow(caption),))
        (answer,) = segment(request).patches
        panels: dict[str, Panel] = {
            "starter": answer.mask,
            "U-Net": unet.answers(image).mask,
            "starter's entropy": answer.entropy_nats,
        }
        rows.append(SheetRow(caption, image, truth, panels))
        entropies[f"entropy_nats {caption}"] = round(answer.mean_entropy_nats, 3)
    picture_sheet(rows, out, DETAILED_LEGEND)
    print(json.dumps({"sheet": str(out), "bytes": out.stat().st_size, **entropies}))


def drawn_places() -> dict[str, tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Images and truths of held-out landscapes by caption: both regions, a fine sensor and a coarse one."""
    from mlservice.landscape import draw_landscape
    from mlservice.starter.bank import HELD_OUT_SEED

    places = {}
    for number, (region, gsd_m, sensor_gsd_m) in enumerate(DRAWN):
        scene = draw_landscape(
            3 * HELD_OUT_SEED + number, PATCH_SIZE_PX, gsd_m=gsd_m, sensor_gsd_m=sensor_gsd_m, region=region
        )
        caption = f"Drawn, region {region}, sensor of {sensor_gsd_m:g} m at {gsd_m:g} m a pixel"
        places[f"{caption} ({number + 1})"] = scene.image, scene.detail
    return places


if __name__ == "__main__":
    main()
