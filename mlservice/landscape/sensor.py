"""How a scene is seen: air, light, optics, sampling, noise and the stretch for display."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from mlservice.landscape.noise import Float
from mlservice.landscape.region import Region

CHANCE_OF_SHARPENING = 0.25


def observe(
    rng: np.random.Generator,
    colours: Float,
    region: Region,
    gsd_m: float,
    sensor_gsd_m: float,
    reference: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """Turn ground colours into the image a sensor of ``sensor_gsd_m`` gives, on the grid of ``gsd_m``.

    The optics blur to half a sensor pixel, which some processing sharpens again; the sensor averages over
    its pixels at a random phase and adds noise; the map shows them bilinearly interpolated, stretched
    between percentiles of the bands over the pixels in ``reference``.
    """
    rows, cols, _ = colours.shape
    ratio = sensor_gsd_m / gsd_m
    blur_px = rng.uniform(0.3, 0.95) * max(ratio * 0.8, 0.8)
    seen = np.stack(
        [ndimage.gaussian_filter(colours[..., band], blur_px, truncate=2.5) for band in range(3)], axis=-1
    )
    if rng.random() < CHANCE_OF_SHARPENING:
        soft = ndimage.gaussian_filter(seen, (2 * blur_px, 2 * blur_px, 0), truncate=1.5)
        seen += np.float32(rng.uniform(0.2, 0.7)) * (seen - soft)
    haze = np.float32(rng.uniform(*region.haze))
    veil = np.array([0.72, 0.75, 0.80], np.float32)
    gain = (rng.uniform(0.75, 1.25) * rng.uniform(0.93, 1.07, 3)).astype(np.float32)
    seen = (seen * (1 - haze) + haze * veil) * gain
    noise = np.float32(rng.uniform(0.002, 0.024))
    phase = rng.random(2) * ratio
    stretch, tail = rng.random() if ratio > 1.5 else rng.random() * 0.6, rng.uniform(0.2, 3.0)
    step = 4 if seen.size > 1 << 20 else 1
    low, high = np.percentile(seen[::step, ::step][reference[::step, ::step]], (tail, 100 - tail), axis=0)
    if ratio > 1.01:
        seen = _sample(seen, ratio, phase)
    grain = rng.standard_normal(seen.shape, dtype=np.float32)
    # Some stretch each band by itself, some all bands alike.
    apart = rng.random()
    low, high = (apart * ends + (1 - apart) * ends.mean() for ends in (low, high))
    # A detector's noise is small beside the contrast of the land, however dull the land.
    seen += noise * np.minimum(1, 2 * (high - low)).astype(np.float32) * grain
    stretched = (seen - low.astype(np.float32)) / (high - low + 0.02).astype(np.float32)
    seen += np.float32(stretch) * (stretched - seen)
    np.clip(seen, 0, 1, out=seen)
    image: NDArray[np.uint8] = (seen * 255 + 0.5).astype(np.uint8)
    if ratio > 1.01:
        image = _show(image, (rows, cols), ratio, phase)
    return image


def _sample(seen: Float, ratio: float, phase: NDArray[np.float64]) -> Float:
    """Average over sensor pixels that begin ``phase`` grid pixels before the image."""
    rows, cols, _ = seen.shape
    down, right = (
        int(np.ceil((size + start) / ratio)) for size, start in zip((rows, cols), phase, strict=True)
    )
    padded = np.pad(seen, ((int(np.ceil(ratio)),) * 2, (int(np.ceil(ratio)),) * 2, (0, 0)), mode="edge")
    top, left = np.ceil(ratio) - phase
    box = (left, top, min(left + right * ratio, padded.shape[1]), min(top + down * ratio, padded.shape[0]))
    bands = [
        np.asarray(Image.fromarray(padded[..., band]).resize((right, down), Image.Resampling.BOX, box=box))
        for band in range(3)
    ]
    return np.stack(bands, axis=-1).astype(np.float32)


def _show(
    image: NDArray[np.uint8], shape: tuple[int, int], ratio: float, phase: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Interpolate the sensor's pixels back onto the grid."""
    top, left = phase / ratio
    box = (
        left,
        top,
        min(left + shape[1] / ratio, image.shape[1]),
        min(top + shape[0] / ratio, image.shape[0]),
    )
    shown = Image.fromarray(image).resize((shape[1], shape[0]), Image.Resampling.BILINEAR, box=box)
    return np.asarray(shown)
