"""Where a scene lies: files of different dates and sensors are often some metres apart."""

from __future__ import annotations

import math

from django.contrib.auth.models import User
from django.db import transaction

from annotator.domain.display_copies import renew_display_copy
from annotator.domain.events import record_event
from annotator.enums import SceneState
from annotator.errors import BadScene, NotReady
from annotator.imagery.grid import mercator_per_metre, moved_geometry
from annotator.models import Scene

MAX_SHIFT_M = 1000.0


def correct_place(*, scene: Scene, user: User, east_m: float, north_m: float) -> Scene:
    """Moves the scene so far east and north of where its file says, in metres on the ground.

    Tiles, the model's input and what is exported follow at once; proposals that were made before are stale.
    Raises NotReady, or BadScene for a shift beyond a kilometre.
    """
    if not (math.isfinite(east_m) and math.isfinite(north_m)) or math.hypot(east_m, north_m) > MAX_SHIFT_M:
        raise BadScene(
            f"A scene is moved by up to {MAX_SHIFT_M:,.0f} m. If it lies farther off, its coordinate "
            "reference system is wrong: set the right one with `gdal_edit.py -a_srs EPSG:CODE file.tif`, "
            "and add it again."
        )
    with transaction.atomic():
        scene = Scene.objects.select_for_update().get(pk=scene.pk)
        if scene.state != SceneState.READY or scene.footprint is None:
            raise NotReady(f"The scene is {scene.get_state_display()}; wait until it is ready.")
        before = scene.shift_m
        stretched_by = mercator_per_metre(scene.footprint.centroid.y)
        scene.shift_m = [round(metres * stretched_by, 3) for metres in (east_m, north_m)]
        if scene.shift_m == before:
            return scene
        scene.placement_number += 1
        scene.footprint = moved_geometry(
            scene.footprint, scene.shift_m[0] - before[0], scene.shift_m[1] - before[1]
        )
        scene.save()
        record_event(scene, "place corrected", actor=user, east_m=east_m, north_m=north_m)
        renew_display_copy(scene=scene, user=user)
    return scene
