"""The imagery as other programs open it: GDAL by WMTS, web maps by TileJSON."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import rasterio
from django.test import Client
from pytest_django.live_server_helper import LiveServer
from rasterio.warp import transform_bounds

from annotator.enums import Role, TokenScope
from annotator.imagery.grid import QUAD
from annotator.models import Scene
from tests.factories import make_access_token, make_member, make_project, make_scene, make_user
from tests.rasters import random_values, write_raster

NAMES = ("blue", "green", "red", "nir")


def add(folder: Path, project=None, *, day: int = 3) -> Scene:  # type: ignore[no-untyped-def]
    path = write_raster(folder / f"day-{day}.tif", random_values(4, 600, 600, seed=day), names=NAMES)
    return make_scene(project or make_project(), path, acquired_on=date(2022, 10, day))


@pytest.mark.django_db(transaction=True)
def test_gdal_opens_a_project_by_wmts_with_a_token(live_server: LiveServer, tmp_path: Path) -> None:
    """Two dates, each in its own colours, infrared and NDVI; what is read is what the scene holds there.

    The token goes as a password, as QGIS sends it too, or in its own header.
    """
    scene = add(tmp_path)
    later = add(tmp_path, scene.project, day=9)
    person = make_member(scene.project)
    token = make_access_token(person, scope=TokenScope.READ)
    address = f"WMTS:{live_server.url}/api/v1/projects/{scene.project.slug}/wmts.xml"
    cache = {"GDAL_DEFAULT_WMS_CACHE_PATH": str(tmp_path / "cache")}
    account = {"GDAL_HTTP_USERPWD": f"{person.username}:{token}"}
    with (
        rasterio.Env(**account, **cache),
        rasterio.open(f"{address},layer=scene-{later.pk}") as imagery,
    ):
        assert imagery.crs.to_epsg() == 3857
        west, south, east, north = transform_bounds(4326, 3857, *scene.footprint.extent)
        middle = ((west + east) / 2, (south + north) / 2)
        window = rasterio.windows.from_bounds(
            middle[0] - 60, middle[1] - 60, middle[0] + 60, middle[1] + 60, imagery.transform
        )
        seen = imagery.read((1, 2, 3), window=window)
    with rasterio.Env(GDAL_HTTP_HEADERS=f"Authorization: Token {token}", **cache):
        for layer in (f"scene-{scene.pk}", f"scene-{scene.pk}-infrared", f"scene-{later.pk}-ndvi"):
            rasterio.open(f"{address},layer={layer}").close()
    with rasterio.open(later.cog_path) as source:
        x, y = rasterio.warp.transform(3857, source.crs, [middle[0]], [middle[1]])
        row, col = source.index(x[0], y[0])
        truth = source.read((3, 2, 1), window=((row - 50, row + 50), (col - 50, col + 50)))
    assert np.abs(seen.mean(axis=(1, 2)) - truth.mean(axis=(1, 2))).max() < 8


@pytest.mark.django_db
def test_tilejson_leads_to_the_tiles(client: Client, tmp_path: Path) -> None:
    scene = add(tmp_path)
    client.force_login(make_member(scene.project))
    document = client.get(f"/api/v1/scenes/{scene.pk}/tilejson.json?composite=ndvi").json()
    assert (document["tilejson"], document["maxzoom"]) == ("3.0.0", 17)
    assert document["bounds"] == list(scene.footprint.extent)
    lon, lat, zoom = document["center"]
    tile = QUAD.tile(lon, lat, zoom)
    address = document["tiles"][0]
    for name, number in zip("zxy", (zoom, tile.x, tile.y), strict=True):
        address = address.replace(f"{{{name}}}", str(number))
    parts = urlsplit(address)
    answer = client.get(f"{parts.path}?{parts.query}")
    assert (answer.status_code, answer["Content-Type"], "immutable" in answer["Cache-Control"]) == (
        200, "image/webp", True,
    )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.django_db
@pytest.mark.parametrize("is_trusted", [True, False])
def test_addresses_begin_with_https_behind_a_proxy_that_is_believed(
    client: Client, settings, is_trusted
) -> None:  # type: ignore[no-untyped-def]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if is_trusted else None
    scene = make_scene(make_project())
    client.force_login(scene.project.created_by)
    address = f"/api/v1/scenes/{scene.pk}/tilejson.json"
    document = client.get(address, headers={"X-Forwarded-Proto": "https"}).json()
    assert document["tiles"][0].startswith("https://" if is_trusted else "http://")


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["tilejson", "wmts"])
def test_each_member_sees_it_and_nobody_else(client: Client, kind: str) -> None:
    scene = make_scene(make_project())
    address = {
        "tilejson": f"/api/v1/scenes/{scene.pk}/tilejson.json",
        "wmts": f"/api/v1/projects/{scene.project.slug}/wmts.xml",
    }[kind]
    assert client.get(address).status_code == 401
    client.force_login(make_user())
    assert client.get(address).status_code == 404
    for role in Role:
        client.force_login(make_member(scene.project, role))
        assert client.get(address).status_code == 200


@pytest.mark.django_db
def test_what_cannot_be_shown_is_told(client: Client) -> None:
    scene = make_scene(make_project())
    client.force_login(make_member(scene.project))
    address = f"/api/v1/scenes/{scene.pk}/tilejson.json"
    assert client.get(f"{address}?composite=ndvi").status_code == 404
    Scene.objects.update(state="failed")
    assert client.get(address).json()["code"] == "not-ready"


@pytest.mark.django_db
def test_names_are_escaped_and_many_scenes_cost_no_more_queries(
    client: Client, django_assert_num_queries
) -> None:  # type: ignore[no-untyped-def]
    scene = make_scene(make_project())
    for name in ("<b>&amp; day", "second", "third"):
        other = make_scene(scene.project)
        Scene.objects.filter(pk=other.pk).update(name=name)
    client.force_login(make_member(scene.project))
    with django_assert_num_queries(6):
        body = client.get(f"/api/v1/projects/{scene.project.slug}/wmts.xml").content
    assert b"&lt;b&gt;&amp;amp; day" in body
