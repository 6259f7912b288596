"""GDAL's way to a COG, through the binding that Django has: rasterio's does not tell of progress."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from pathlib import Path

from django.contrib.gis.gdal import GDALException
from django.contrib.gis.gdal.driver import Driver
from django.contrib.gis.gdal.libgdal import std_call
from django.contrib.gis.gdal.prototypes import raster as gdal
from django.contrib.gis.gdal.prototypes.generation import voidptr_output
from rasterio.env import Env

#: Told the share that is done, from 0 to 1; what it raises ends the work.
Progress = Callable[[float], None]

_RASTER, _TELLS_ERRORS = 0x02, 0x40
_Words = ctypes.POINTER(ctypes.c_char_p)
_PROGRESS_TYPE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_double, ctypes.c_char_p, ctypes.c_void_p)
# Not Django's own way of opening, which lets GDAL guess the driver from the bytes.
_open = voidptr_output(std_call("GDALOpenEx"), [ctypes.c_char_p, ctypes.c_uint, _Words, _Words, _Words])


def write_cog(
    source: str, driver: str, target: Path, options: Mapping[str, object], on_progress: Progress
) -> None:
    """Writes the raster of that name, opened by that driver of GDAL and no other, with these creation options.

    Overviews and masks that GDAL needs in between lie beside ``target`` and are removed by it. Raises GDALException,
    and whatever ``on_progress`` raised; ``target`` may then be there in part.
    """
    ended_by: list[BaseException] = []

    def tell(share: float, message: bytes, data: None) -> int:
        try:
            on_progress(share)
        except BaseException as error:
            # It cannot pass through GDAL, which stops at a zero.
            ended_by.append(error)
            return 0
        return 1

    callback = _PROGRESS_TYPE(tell)
    # Rasterio's environment tells the library, which is the same one, where its tables are.
    with Env():
        opened = _open(source.encode(), _RASTER | _TELLS_ERRORS, _words([driver]), None, None)
        try:
            made = gdal.copy_ds(
                Driver("COG")._ptr, str(target).encode(), opened, 0,
                _words([f"{name}={value}" for name, value in options.items()]),
                ctypes.cast(callback, ctypes.c_void_p), None,
            )  # fmt: skip
            gdal.close_ds(made)
        except GDALException:
            if ended_by:
                raise ended_by[0] from None
            raise
        finally:
            gdal.close_ds(opened)


def _words(texts: list[str]) -> ctypes.Array[ctypes.c_char_p]:
    """The texts as GDAL wants a list of them."""
    return (ctypes.c_char_p * (len(texts) + 1))(*(text.encode() for text in texts), None)
