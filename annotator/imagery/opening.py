"""Opening a file that a stranger may have made: only plain rasters, and only the file itself."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rasterio import open as open_dataset
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning, RasterioIOError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from annotator.imagery.problems import (
    ArchivedScene,
    DamagedScene,
    ImplausibleSize,
    NotARaster,
    RefersElsewhere,
    TooManyBands,
    UnsupportedPixels,
)

MAX_BANDS = 16
PIXEL_TYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")

_MAX_UNPACKED_BYTES = 40 * 10**9
# Deflate reaches 1,030:1 on constant pixels, so more is made by hand; small rasters do no harm.
_MAX_RATIO = 2_000
_RATIO_MATTERS_ABOVE_BYTES = 2**30
# Reading one pixel unpacks its whole block.
MAX_BLOCK_BYTES = 2**30

# GDAL guesses the driver from the bytes and some drivers open other files or addresses that the bytes name
# (VRT, WMS, ...). So the driver is chosen here, by the first bytes alone.
_DRIVERS = {
    b"II*\0": "GTiff",
    b"MM\0*": "GTiff",
    b"II+\0": "GTiff",
    b"MM\0+": "GTiff",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\0\0\0\x0cjP  \r\n\x87\n": "JP2OpenJPEG",
    b"\xff\x4f\xff\x51": "JP2OpenJPEG",
}
_ARCHIVES = {
    b"PK\x03\x04": "zip",
    b"\x1f\x8b": "gzip",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!": "rar",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
# Metadata of these domains makes GDAL open the files that it names, and a TIFF may carry any domain.
_DOMAINS_THAT_NAME_FILES = {"OVERVIEWS", "PROXYOVERVIEWREQUEST", "GEOLOCATION"}
_DAMAGED = (
    "The file is damaged or was cut off: {what}. Compare its size with the original's, and add it again."
)


@contextmanager
def open_raster(
    path: Path,
    *,
    check_pixels: Callable[[DatasetReader], None] | None = None,
    max_block_bytes: int = MAX_BLOCK_BYTES,
) -> Iterator[DatasetReader]:
    """The file as a dataset, after it was found to be one whose pixels can be read and shown.

    Accepts GeoTIFF (and COG), JPEG 2000 and PNG with up to 16 bands of a real pixel type, or those that
    ``check_pixels`` raises no error for. Raises a `BadScene`, also for read errors within the block.
    """
    driver = _driver(path)
    try:
        with warnings.catch_warnings():
            # A missing georeference is answered by `annotator.imagery.inspect`.
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            dataset = open_dataset(path, driver=driver)
    except RasterioIOError as error:
        raise _damaged("it cannot be opened") from error
    with dataset:
        _check_references(dataset)
        (check_pixels or _check_pixels)(dataset)
        _check_size(dataset, path, max_block_bytes)
        try:
            _read_some_blocks(dataset)
            yield dataset
        except RasterioIOError as error:
            raise _damaged("some of its pixels cannot be read") from error


def _damaged(what: str) -> DamagedScene:
    return DamagedScene(_DAMAGED.format(what=what))


def sample_windows(dataset: DatasetReader, band: int) -> list[Window]:
    """The first, the middle and the last block of a band."""
    rows, cols = dataset.block_shapes[band - 1]
    last = (math.ceil(dataset.height / rows) - 1, math.ceil(dataset.width / cols) - 1)
    blocks = {(0, 0), (last[0] // 2, last[1] // 2), last}
    return [dataset.block_window(band, *block) for block in sorted(blocks)]


def _driver(path: Path) -> str:
    if not path.is_file():
        raise NotARaster(f"There is no file {path.name}; check the path.")
    with path.open("rb") as file:
        head = file.read(512)
    for magic, driver in _DRIVERS.items():
        if head.startswith(magic):
            return driver
    archive = next((name for magic, name in _ARCHIVES.items() if head.startswith(magic)), None)
    if archive is None and head[257:262] == b"ustar":
        archive = "tar"
    if archive:
        raise ArchivedScene(f"The file is a {archive} archive; unpack it first, then add the image in it.")
    if b"<VRTDataset" in head:
        raise NotARaster(
            "The file is a VRT, which only points at other files. "
            "Make one image of it with `gdal_translate in.vrt out.tif` and add that."
        )
    raise NotARaster(
        "The file is no GeoTIFF, JPEG 2000 or PNG image. Convert it with "
        "`gdal_translate in out.tif` and add the result."
    )


def _check_references(dataset: DatasetReader) -> None:
    # First of all checks: counting overviews would already open the file that the metadata names.
    if any(domain.upper() in _DOMAINS_THAT_NAME_FILES for domain in dataset.tag_namespaces()):
        raise RefersElsewhere(
            "The file's metadata point at other files. Write it anew without them: "
            "`gdal_translate -co COPY_SRC_MDD=NO in.tif out.tif`."
        )


def _check_pixels(dataset: DatasetReader) -> None:
    if dataset.count > MAX_BANDS:
        raise TooManyBands(
            f"The file has {dataset.count} bands; at most {MAX_BANDS} are taken. Choose the ones that "
            "matter, for instance `gdal_translate -b 4 -b 3 -b 2 in.tif out.tif`.",
            band_count=dataset.count,
        )
    if dataset.count == 0:
        raise NotARaster("The file holds no bands, only further images; extract one with `gdal_translate`.")
    for pixel_type in dataset.dtypes:
        if pixel_type not in PIXEL_TYPES:
            raise UnsupportedPixels(
                f"Pixels of type {pixel_type} cannot be shown. Convert them: "
                "`gdal_translate -ot Float32 in.tif out.tif`.",
                pixel_type=pixel_type,
            )
    if ColorInterp.palette in dataset.colorinterp:
        raise UnsupportedPixels(
            "The pixels are numbers of a colour table, not colours. Convert them: "
            "`gdal_translate -expand rgb in.tif out.tif`."
        )


def _check_size(dataset: DatasetReader, path: Path, max_block_bytes: int) -> None:
    pixel_bytes = [math.ceil(_bits(dtype) / 8) for dtype in dataset.dtypes]
    unpacked = dataset.width * dataset.height * sum(pixel_bytes)
    packed = max(path.stat().st_size, 1)
    if unpacked > _MAX_UNPACKED_BYTES:
        raise ImplausibleSize(
            f"Unpacked, the image takes {unpacked / 10**9:,.0f} GB; at most "
            f"{_MAX_UNPACKED_BYTES // 10**9} GB are taken. Cut it into parts with `gdal_translate -srcwin` "
            "and add them one by one."
        )
    if unpacked > _RATIO_MATTERS_ABOVE_BYTES and unpacked > packed * _MAX_RATIO:
        raise ImplausibleSize(
            f"The file promises {unpacked / packed:,.0f} times as many bytes of pixels as it has itself, "
            "so nearly all of it must be empty. Cut out the part that holds the image."
        )
    together = sum(pixel_bytes) if dataset.interleaving and dataset.interleaving.value == "PIXEL" else 1
    for (rows, cols), size in zip(dataset.block_shapes, pixel_bytes, strict=True):
        if rows * cols * max(size, together) > max_block_bytes:
            raise ImplausibleSize(
                "The image is stored as one huge block that has to be unpacked for every pixel. Write it in "
                "tiles: `gdal_translate -co TILED=YES -co COMPRESS=DEFLATE in.tif out.tif`."
            )


def _bits(pixel_type: str) -> int:
    return int("".join(filter(str.isdigit, pixel_type)))


def _read_some_blocks(dataset: DatasetReader) -> None:
    # A cut-off file still opens when its directory comes first; then its last blocks are missing.
    for band in {1, dataset.count}:
        for window in sample_windows(dataset, band):
            dataset.read(band, window=window)
