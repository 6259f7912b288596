"""What decides a parcel's class from afar: the canals and towns of a scene, and the parcels they decide.

Flooded basins are rice where a lined canal brings water, and fish ponds elsewhere. Cleared soil is building
land where there is a town, and fallow elsewhere. Where canals and towns are, or would be, is drawn
for every scene, and the parcels keep away from there, so that neither their look nor their place tells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mlservice.landscape.features import Roof, value_at, window_around
from mlservice.landscape.noise import Float, Int

Bool = NDArray[np.bool_]

NO_PARCEL, FLOODED, CLEARED = range(3)
WINDOW_PX = 256
"""Every window of this side shows the canals and towns of its scene; parcels are placed by such tiles."""
KEEP_AWAY_PX = 46
"""Parcels are at least this far from any canal or town that decides their class."""
TOWN_PITCH_PX = 210.0
CHANCE_OF_CANALS = CHANCE_OF_TOWNS = 0.5
CHANCE_OF_PARCELS = 0.55
PARCEL_SHARE = (0.14, 0.32)
"""How much of a tile a kind of parcels is to take, some of it not to be had."""
GRAIN_PX = 4
TRIED_PLACES = 12


@dataclass(frozen=True)
class Cues:
    """The canals and towns of a scene; distances are in pixels and infinite where there are none.

    ``canal_px`` is the distance to the middle of a canal, whose water is ``half_water_px`` wide to each
    side and followed by banks as far as ``half_canal_px``. ``town_px`` is negative in a town.
    """

    irrigated: bool
    urban: bool
    canal_px: Float
    half_water_px: float
    half_canal_px: float
    town_px: Float
    street: Bool
    roofs: tuple[Roof, ...]

    @property
    def elsewhere(self) -> Bool:
        """The land that neither canal nor town brightens: a display stretch of it tells of neither."""
        return (self.canal_px > self.half_canal_px + 4) & (self.town_px > 4)


@dataclass(frozen=True)
class Parcels:
    """Flooded basins and cleared land: what a pixel is in, which parcel, how far its edge is."""

    kind: NDArray[np.uint8]
    number: Int
    edge_px: Float
    half_bund_px: float


def draw_district(rng: np.random.Generator, sensor_px: float, free: Bool, wet: Bool) -> tuple[Cues, Parcels]:
    """Draw the cues, clear of the water in ``wet``, and the parcels they decide, on the ``free`` land."""
    shape = free.shape
    cues, canal_px, town_px = _cues(rng, sensor_px, wet)
    parcels = Parcels(
        kind=np.zeros(shape, np.uint8),
        number=np.zeros(shape, np.int32),
        edge_px=np.full(shape, np.inf, np.float32),
        half_bund_px=max(rng.uniform(0.8, 1.7), 0.25 * sensor_px),
    )
    built = (canal_px < cues.half_canal_px + 2) | (town_px < 2)
    cue_px = {FLOODED: canal_px - np.float32(cues.half_canal_px), CLEARED: town_px}
    for kind in rng.permutation([FLOODED, CLEARED]).tolist():
        clear = free & ~built & (parcels.kind == NO_PARCEL) & (cue_px[kind] > KEEP_AWAY_PX)
        for top in range(0, shape[0], WINDOW_PX):
            for left in range(0, shape[1], WINDOW_PX):
                if rng.random() < CHANCE_OF_PARCELS:
                    _settle(rng, parcels, kind, clear, (top, left), sensor_px)
    return cues, parcels


def _cues(rng: np.random.Generator, sensor_px: float, wet: Bool) -> tuple[Cues, Float, Float]:
    """The cues of a scene, and the distances to where canals and towns are or would be."""
    shape = (wet.shape[0], wet.shape[1])
    half_water = max(rng.uniform(1.4, 2.4), 0.9 * sensor_px)
    half_canal = half_water + max(rng.uniform(1.2, 2.0), 0.8 * sensor_px)
    canal_px = _canals(rng, shape)
    town_px, street, roofs = _towns(rng, shape, sensor_px)
    irrigated, urban = bool(rng.random() < CHANCE_OF_CANALS), bool(rng.random() < CHANCE_OF_TOWNS)
    nowhere = np.full(shape, np.inf, np.float32)
    cues = Cues(
        irrigated=irrigated,
        urban=urban,
        canal_px=canal_px if irrigated else nowhere,
        half_water_px=half_water,
        half_canal_px=half_canal,
        town_px=town_px if urban else nowhere,
        street=street & urban,
        roofs=tuple(
            roof
            for roof in roofs
            if urban
            and not value_at(wet, roof)
            and not (irrigated and value_at(canal_px, roof) < half_canal + roof.half_length + 1)
        ),
    )
    return cues, canal_px, town_px


def _canals(rng: np.random.Generator, shape: tuple[int, int]) -> Float:
    """The distance to the nearest of parallel straight lines, one of them through the first window."""
    y, x = np.ogrid[0 : shape[0], 0 : shape[1]]
    angle, pitch = rng.uniform(0, np.pi), rng.uniform(190, 230)
    through_y, through_x = (rng.uniform(0.15, 0.85) * min(side, WINDOW_PX) for side in shape)
    across = np.cos(angle) * (x - through_x) + np.sin(angle) * (y - through_y)
    distance: Float = np.abs(across - pitch * np.round(across / pitch)).astype(np.float32)
    return distance


def _towns(
    rng: np.random.Generator, shape: tuple[int, int], sensor_px: float
) -> tuple[Float, Bool, list[Roof]]:
    """Towns on a jittered grid, one of them wholly in the first window: their ground, streets and roofs."""
    pitch = max(rng.uniform(9, 13), 3.4 * sensor_px)
    radius = min(pitch * rng.uniform(2.7, 3.3), 0.4 * min(*shape, WINDOW_PX))
    first_y, first_x = (rng.uniform(radius, min(side, WINDOW_PX) - radius) for side in shape)
    town_px = np.full(shape, np.inf, np.float32)
    street = np.zeros(shape, bool)
    roofs: list[Roof] = []
    down, right = (range(-2, int(side / TOWN_PITCH_PX) + 2) for side in shape)
    for step_y, step_x in ((row, col) for row in down for col in right):
        lone = (step_y, step_x) == (0, 0)
        shift = np.zeros(2) if lone else rng.uniform(-0.13, 0.13, 2) * TOWN_PITCH_PX
        at_y, at_x = first_y + step_y * TOWN_PITCH_PX + shift[0], first_x + step_x * TOWN_PITCH_PX + shift[1]
        window, y, x = window_around(shape, at_x, at_y, radius + KEEP_AWAY_PX + 4)
        if not (y.size and x.size):
            continue
        away = (np.hypot(y, x) - radius).astype(np.float32)
        town_px[window] = np.minimum(town_px[window], away)
        angle = rng.uniform(0, np.pi)
        cos, sin = np.cos(angle), np.sin(angle)
        u, v = (cos * x + sin * y) / pitch, (cos * y - sin * x) / pitch
        lane = np.minimum(np.abs((u + 1) % 2 - 1), np.abs((v + 1.5) % 3 - 1.5))
        street[window] |= (lane * pitch < max(1.0, 0.11 * pitch)) & (away < 0)
        roofs += _town_roofs(rng, at_x, at_y, angle, pitch, radius)
    return town_px, street, roofs


def _town_roofs(
    rng: np.random.Generator, at_x: float, at_y: float, angle: float, pitch: float, radius: float
) -> list[Roof]:
    cos, sin = np.cos(angle), np.sin(angle)
    places = np.stack(np.meshgrid(np.arange(-4, 4) + 0.5, np.arange(-4, 4) + 0.5), -1).reshape(-1, 2) * pitch
    places = places[(np.hypot(*places.T) < radius) & (rng.random(len(places)) < 0.93)]
    return [
        Roof(
            x=at_x + cos * u - sin * v + rng.normal(0, 0.03) * pitch,
            y=at_y + sin * u + cos * v + rng.normal(0, 0.03) * pitch,
            half_length=rng.uniform(0.3, 0.4) * pitch,
            half_width=rng.uniform(0.24, 0.34) * pitch,
            angle=angle + np.pi / 2 * rng.integers(0, 2),
            height=rng.uniform(0.2, 0.4) * pitch,
        )
        for u, v in places
    ]


def _settle(
    rng: np.random.Generator,
    parcels: Parcels,
    kind: int,
    free: Bool,
    corner: tuple[int, int],
    sensor_px: float,
) -> None:
    """Put one to three groups of parcels on the free land of the tile at ``corner``."""
    tile = free[corner[0] : corner[0] + WINDOW_PX, corner[1] : corner[1] + WINDOW_PX]
    wanted, groups = rng.uniform(*PARCEL_SHARE) * tile.size, int(rng.integers(1, 4))
    side = np.sqrt(wanted / groups)
    room = ndimage.uniform_filter(tile[::GRAIN_PX, ::GRAIN_PX].astype(np.float32), max(1, int(side / 12)))
    placed = 0
    for _ in range(3 + 2 * groups):
        # Of some places, the one with most free land around it.
        row, col = rng.integers(room.shape, size=(TRIED_PLACES, 2)).T
        best = int(np.argmax(room[row, col]))
        at = corner[1] + GRAIN_PX * float(col[best]), corner[0] + GRAIN_PX * float(row[best])
        if room[row[best], col[best]] > 0.5:
            placed += _lay_group(rng, parcels, kind, free, at, side, sensor_px)
        if placed > 0.85 * wanted:
            return


def _lay_group(
    rng: np.random.Generator,
    parcels: Parcels,
    kind: int,
    free: Bool,
    at: tuple[float, float],
    side: float,
    sensor_px: float,
) -> int:
    """Lay a rectangle of parcels around a point, but for those not wholly on free land; count its pixels."""
    across = max(rng.uniform(13, 25) if kind == FLOODED else rng.uniform(16, 32), 3.8 * sensor_px)
    along = across * rng.uniform(1, 1.9)
    columns, lanes = (max(2, round(side * rng.uniform(0.9, 1.2) / step)) for step in (across, along))
    shape = (free.shape[0], free.shape[1])
    window, y, x = window_around(shape, *at, 0.5 * float(np.hypot(columns * across, lanes * along)) + 1)
    angle = rng.uniform(0, np.pi)
    cos, sin = np.cos(angle), np.sin(angle)
    u = (cos * x + sin * y) / across + columns / 2
    v = (cos * y - sin * x) / along + lanes / 2
    cut_u, cut_v = (
        np.arange(count + 1) + np.pad(rng.uniform(-0.2, 0.2, count - 1), 1) for count in (columns, lanes)
    )
    column, lane = np.searchsorted(cut_u, u) - 1, np.searchsorted(cut_v, v) - 1
    inside = (column >= 0) & (column < columns) & (lane >= 0) & (lane < lanes)
    column, lane = np.clip(column, 0, columns - 1), np.clip(lane, 0, lanes - 1)
    cell = column * lanes + lane
    whole = np.ones(columns * lanes, bool)
    open_land = free[window] & (parcels.kind[window] == NO_PARCEL)
    whole[cell[inside & ~open_land]] = False
    kept = inside & whole[cell]
    edge = np.minimum(
        np.minimum(u - cut_u[column], cut_u[column + 1] - u) * across,
        np.minimum(v - cut_v[lane], cut_v[lane + 1] - v) * along,
    )
    parcels.kind[window][kept] = kind
    parcels.number[window][kept] = (cell + rng.integers(1 << 20))[kept]
    parcels.edge_px[window][kept] = edge[kept]
    return int(kept.sum())
