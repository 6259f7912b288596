"""Which bands are red, green and blue, and which of their values are black and white."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from rasterio.enums import ColorInterp

COLORS = ("red", "green", "blue")

# How the bands of visible light are named; the first row of which all three names are there decides.
_WORDS = (COLORS, ("r", "g", "b"))
# Sentinel-2, and Landsat 8 and 9
_NUMBERS = (("b04", "b03", "b02"), ("b4", "b3", "b2"))
# Landsat 4 to 7, known by the band that is missing among those of reflected light
_OLD_LANDSAT_NUMBERS = ("b3", "b2", "b1")
_NEAR_INFRARED = re.compile(r"(?<![a-z])nir(?![a-z])|near[\s_-]*infra[\s_-]*red")
_SHORT_WAVE = re.compile(r"(?<![a-z])(?:swir|short[\s_-]*wave[\s_-]*infra[\s_-]*red)[\s_-]*([12]?)")
# Where bands are numbers only, near infrared, red beside it, and short-wave infrared at 1.6 and at 2.2 µm:
# Sentinel-2, Landsat 8 and 9, Landsat 4 to 7
_INFRARED_NUMBERS = (
    ("b08", "b04", "b11", "b12"),
    ("b8", "b4", "b11", "b12"),
    ("b5", "b4", "b6", "b7"),
    ("b4", "b3", "b5", "b7"),
)
_NOT_RED = re.compile(r"red[\s_-]*edge|infra[\s_-]*red")

# Interpretations that are names of bands.
_TELLING = {
    ColorInterp.red,
    ColorInterp.green,
    ColorInterp.blue,
    ColorInterp.coastal,
    ColorInterp.rededge,
    ColorInterp.nir,
    ColorInterp.swir,
    ColorInterp.pan,
}

# A picture in 8 bits whose values range this far is shown as it is.
_GOOD_8_BIT_RANGE = 64


def name_bands(descriptions: Sequence[str | None], interpretations: Sequence[ColorInterp]) -> list[str]:
    """What the bands are called in the file, else what it says that they show, else by their number."""
    told = [one.name if one in _TELLING else f"band {i}" for i, one in enumerate(interpretations, start=1)]
    return [name or instead for name, instead in zip(descriptions, told, strict=True)]


def choose_display_bands(
    band_names: Sequence[str], interpretations: Sequence[ColorInterp]
) -> tuple[int, int, int]:
    """Numbers (from 1) of the bands that are shown as red, green and blue.

    By the bands' names, then by what the file says of their colours, then the first three; a file with fewer
    than three bands beside its alpha band is shown in grey.
    """
    by_color = {c.name: i for i, c in reversed(list(enumerate(interpretations, start=1)))}
    usable = [i for i, c in enumerate(interpretations, start=1) if c != ColorInterp.alpha] or [1]
    for found in (_by_name(band_names), tuple(by_color.get(color, 0) for color in COLORS)):
        if all(found):
            return found
    return (usable[0], usable[1], usable[2]) if len(usable) >= 3 else (usable[0],) * 3


def infrared_bands(band_names: Sequence[str]) -> tuple[int, int, int] | None:
    """Numbers (from 1) of near infrared, red and green, None where the names do not tell all three."""
    roles = band_roles(band_names)
    if not {"nir", "red", "green"} <= roles.keys():
        return None
    return roles["nir"], roles["red"], roles["green"]


def band_roles(band_names: Sequence[str]) -> dict[str, int]:
    """Which bands (numbers from 1) are red, green, blue, nir, swir (1.6 µm) and swir2 (2.2 µm), as the names tell.

    Red, green and blue are told together or not at all.
    """
    roles = {color: number for color, number in zip(COLORS, _by_name(band_names), strict=True) if number}
    names = [name.lower() for name in band_names]
    for number, name in enumerate(names, start=1):
        if _NEAR_INFRARED.search(name):
            roles.setdefault("nir", number)
        if found := _SHORT_WAVE.search(name):
            roles.setdefault("swir2" if found[1] == "2" else "swir", number)
    if "nir" not in roles and "red" in roles:
        numbers: dict[str, int] = {}
        for number, name in enumerate(names, start=1):
            for word in re.findall(r"[a-z0-9]+", name):
                numbers.setdefault(word, number)
        for near, red, *short_waves in _INFRARED_NUMBERS:
            if near in numbers and numbers.get(red) == roles["red"]:
                roles["nir"] = numbers[near]
                for role, name in zip(("swir", "swir2"), short_waves, strict=True):
                    if name in numbers:
                        roles.setdefault(role, numbers[name])
                break
    return roles


def bands_by_name(band_names: Sequence[str]) -> Mapping[str, int]:
    """The numbers (from 1) of bands by the names that expressions may use: roles, and the file's own names.

    Those are in lower case with underscores, and a word with a number in it is a name, too: ``B8A narrow`` is
    ``b8a_narrow`` and ``b8a``. Roles go first, then the first band of a name.
    """
    return _bands_by_name(tuple(band_names))


@lru_cache(maxsize=512)
def _bands_by_name(band_names: tuple[str, ...]) -> Mapping[str, int]:
    found = band_roles(band_names)
    words = [_written_name(name, number) for number, name in enumerate(band_names, start=1)]
    for number, word in enumerate(words, start=1):
        found.setdefault(word, number)
    for number, word in enumerate(words, start=1):
        for part in re.findall(r"(?<![a-z0-9])[a-z]+[0-9][a-z0-9]*", word):
            found.setdefault(part, number)
    return found


def usual_names(band_names: Sequence[str]) -> list[str]:
    """One name for each band, as `bands_by_name` knows it: its role where it has one, else the file's name."""
    roles = {number: role for role, number in reversed(band_roles(band_names).items())}
    return [roles.get(i) or _written_name(name, i) for i, name in enumerate(band_names, start=1)]


def _written_name(name: str, number: int) -> str:
    """A band's name as an expression writes it."""
    word = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or str(number)
    return f"band_{word}" if word[0].isdigit() else word


def choose_stretch(values: np.ndarray, valid: np.ndarray) -> tuple[tuple[float, float], ...]:
    """For each display band the value shown as black and the one shown as white.

    ``values`` (bands, rows, cols) is a sample of the display bands, ``valid`` (rows, cols) tells which of its
    pixels count. They are the 2nd and 98th percentiles, or 0 and 255 for a picture that is fine as it is.
    """
    low, high = np.percentile(values[:, valid].astype(np.float64), [2, 98], axis=1)
    if values.dtype == np.uint8 and (high - low).max() >= _GOOD_8_BIT_RANGE:
        return ((0.0, 255.0),) * len(values)
    # A constant band would otherwise be divided by nothing.
    high = np.where(high > low, high, low + 1)
    return tuple((float(f"{a:.6g}"), float(f"{b:.6g}")) for a, b in zip(low, high, strict=True))


def _by_name(band_names: Sequence[str]) -> tuple[int, int, int]:
    """Red, green and blue by name, zeros when the names do not tell."""
    words: dict[str, int] = {}
    for number, name in enumerate(band_names, start=1):
        for word in re.findall(r"[a-z]+\d*", _NOT_RED.sub("", name.lower())):
            words.setdefault(word, number)
    is_old_landsat = {"b5", "b7"} <= words.keys() and "b6" not in words
    numbers = (_OLD_LANDSAT_NUMBERS,) if is_old_landsat else _NUMBERS
    for red, green, blue in (*_WORDS, *numbers):
        if red in words and green in words and blue in words:
            return words[red], words[green], words[blue]
    return 0, 0, 0
