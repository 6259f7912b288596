"""``milpa``: the client as a command. Rows go to the output, progress and errors beside it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from milpa.client import Client
from milpa.documents import Document, Export, LabelClass, Work
from milpa.errors import MilpaError
from milpa.waiting import Progress

FAILED, INTERRUPTED = 2, 130
WorkT = TypeVar("WorkT", bound=Work)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; 0, or 2 after an error told in one line, or 130 when interrupted."""
    given = parser().parse_args(arguments)
    try:
        with Client() as milpa:
            given.run(milpa, given)
    except (MilpaError, OSError, ValueError) as error:
        print(f"milpa: {' '.join(str(error).split())}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("milpa: interrupted; what was asked for goes on at the server.", file=sys.stderr)
        return INTERRUPTED
    return 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="milpa", description="Work on a Milpa server: MILPA_URL, MILPA_TOKEN.")
    commands = top.add_subparsers(required=True, metavar="command")

    def command(name: str, run: Any, about: str, *, of_project: bool = True) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about)
        made.set_defaults(run=run)
        made.add_argument("--json", action="store_true", help="whole rows, one JSON object a line")
        if of_project:
            made.add_argument("project", help="the project's slug, as in its address")
        return made

    def keyed(made: argparse.ArgumentParser) -> None:
        made.add_argument(
            "--key", default="", help="within 24 hours, the same again with the same key is done once"
        )

    def waiting(made: argparse.ArgumentParser) -> None:
        made.add_argument("--no-wait", action="store_true", help="do not wait until it is done")

    command("projects", _projects, "list your projects", of_project=False)
    made = command("create", _create, "make a project", of_project=False)
    made.add_argument("name")
    made.add_argument(
        "--legend", type=Path, required=True, help="JSON: a list of value, name, color, is_boundary"
    )
    made.add_argument("--patch-zoom", type=int)
    made.add_argument("--area", type=Path, help="GeoJSON: one geometry")
    keyed(made)
    command("scenes", _scenes, "list the scenes of a project")
    made = command("scene", _scene, "add a scene and wait until it is ready")
    made.add_argument("scene", help="a file here, or with --there what the server reads")
    made.add_argument("--there", action="store_true", help="a path on the server, a URL, or s3://bucket/key")
    made.add_argument("--name", default="")
    made.add_argument("--acquired-on", type=date.fromisoformat, help="as in 2022-10-03")
    keyed(made)
    waiting(made)
    made = command("import", _import, "make masks of labels that exist already")
    made.add_argument("file", type=Path)
    made.add_argument("--look", action="store_true", help="only tell what is in the file")
    made.add_argument("--class", dest="classes", action="append", default=[], metavar="VALUE=CLASS")
    made.add_argument("--attribute", default="", help="which attribute tells the class")
    made.add_argument("--outside", type=int, default=255, help="land without a label: 0 or 255 (default)")
    made.add_argument("--outline-px", type=int, default=0, help="width of outlines of the boundary class")
    made.add_argument("--approve", action="store_true", help="approve at once instead of asking for review")
    made.add_argument("--crs", default="", help="where the file does not say it, as in EPSG:32637")
    made.add_argument("--encoding", default="", help="of texts, where the file says it wrong")
    made.add_argument("--swap-axes", action="store_true", help="coordinates are latitude, longitude")
    keyed(made)
    waiting(made)
    made = command("propose", _propose, "make proposals for all patches")
    made.add_argument("--scene", type=int, help="the id of a scene (default: the newest)")
    keyed(made)
    waiting(made)
    command("rank", _rank, "rank the labelling queue anew")
    command("queue", _queue, "show what is served next, and why")
    made = command("patches", _patches, "list patches")
    made.add_argument("--state", default="")
    made.add_argument("--bbox", type=_box, help="--bbox=west,south,east,north, in degrees")
    made.add_argument("--audit", action="store_true", help="only the random sample")
    made.add_argument("--most", type=int, help="no more than so many")
    made = command("train", _train, "ask for a training run")
    made.add_argument("--set", dest="config", action="append", default=[], metavar="NAME=VALUE")
    keyed(made)
    waiting(made)
    command("versions", _versions, "list model versions")
    made = command("export", _export, "take approved masks away")
    made.add_argument(
        "kind", help="geotiff, chips, coco, geojson, geopackage, geoparquet, stac or instruction"
    )
    made.add_argument("--out", type=Path, help="where the file goes (default: its own name, here)")
    made.add_argument("--set", dest="parameters", action="append", default=[], metavar="NAME=VALUE")
    return top


def _projects(milpa: Client, given: argparse.Namespace) -> None:
    _tell(milpa.projects(), given, "slug", "name", "patch_counts")


def _create(milpa: Client, given: argparse.Namespace) -> None:
    rows = _read_json(given.legend)
    try:
        legend = [LabelClass(**row) for row in rows]
    except TypeError as error:
        raise MilpaError(
            f"{given.legend} is no list of classes with value, name and color ({error})."
        ) from error
    area = _read_json(given.area) if given.area else None
    made = milpa.create_project(given.name, legend, patch_zoom=given.patch_zoom, area=area, key=given.key)
    _tell([made], given, "slug", "name")


def _scenes(milpa: Client, given: argparse.Namespace) -> None:
    _tell(milpa.scenes(given.project), given, "id", "state", "acquired_on", "name", "message")


def _scene(milpa: Client, given: argparse.Namespace) -> None:
    place: dict[str, Any] = {"source": given.scene} if given.there else {"file": Path(given.scene)}
    added = milpa.add_scene(
        given.project, name=given.name, acquired_on=given.acquired_on, key=given.key, **place
    )
    _tell([_waited(milpa, added, given)], given, "id", "state", "acquired_on", "name", "message")


def _import(milpa: Client, given: argparse.Namespace) -> None:
    brought = milpa.bring_labels(
        given.project,
        given.file,
        crs=given.crs,
        encoding=given.encoding,
        swap_axes=given.swap_axes,
        key=given.key,
    )
    if given.look:
        _tell([brought], given, "id", "state", "preview")
        return
    started = milpa.start_import(
        brought,
        dict(map(_class_of, given.classes)),
        attribute=given.attribute,
        outside=given.outside,
        outline_px=given.outline_px,
        approve=given.approve,
        # A key is for one request.
        key=given.key and f"{given.key}-start",
    )
    _tell([_waited(milpa, started, given)], given, "id", "state", "message", "report")


def _propose(milpa: Client, given: argparse.Namespace) -> None:
    job = milpa.propose(given.project, scene=given.scene, key=given.key)
    _tell([_waited(milpa, job, given)], given, "id", "state", "done", "total", "message")


def _rank(milpa: Client, given: argparse.Namespace) -> None:
    _tell([milpa.rank(given.project)], given, "id", "strategy", "patch_count", "scored_count", "order_hash")


def _queue(milpa: Client, given: argparse.Namespace) -> None:
    _tell(milpa.queue(given.project).entries, given, "patch", "quadkey", "explanation")


def _patches(milpa: Client, given: argparse.Namespace) -> None:
    found = milpa.patches(given.project, state=given.state, bbox=given.bbox, audit=given.audit)
    _tell(islice(found, given.most), given, "id", "quadkey", "state")


def _train(milpa: Client, given: argparse.Namespace) -> None:
    config = {name: _value(text) for name, text in _pairs(given.config)}
    run = milpa.train(given.project, config, key=given.key)
    _tell([_waited(milpa, run, given)], given, "id", "state", "parent", "candidate", "message")


def _versions(milpa: Client, given: argparse.Namespace) -> None:
    _tell(milpa.versions(given.project), given, "id", "number", "state", "parent")


def _export(milpa: Client, given: argparse.Namespace) -> None:
    parameters = {name: _value(text) for name, text in _pairs(given.parameters)}
    export: Export = milpa.wait(
        milpa.export(given.project, given.kind, parameters), on_progress=ProgressLines("export")
    )
    path = given.out or Path(Path(export.file_name).name)
    milpa.download(export, path, on_progress=ProgressLines(str(path)))
    _tell([export], given, "id", "sha256", "size_bytes", "file_name")


def _waited(milpa: Client, work: WorkT, given: argparse.Namespace) -> WorkT:
    if given.no_wait:
        return work
    return milpa.wait(work, on_progress=ProgressLines(type(work).__name__.lower()))


class ProgressLines:
    """Progress beside the output: a line whenever there is something new to say, at most one for each tenth."""

    def __init__(self, what: str) -> None:
        self._what, self._said = what, ""

    def __call__(self, progress: Progress) -> None:
        share = f"{10 * (10 * progress.done // progress.total)} %, " if progress.total else ""
        line = f"{self._what}: {share}{progress.words}"
        if line != self._said:
            print(line, file=sys.stderr, flush=True)
            self._said = line


def _tell(rows: Iterable[Document], given: argparse.Namespace, *columns: str) -> None:
    """Tab-separated columns, or whole documents; each row as soon as it is there."""
    for row in rows:
        if given.json:
            print(json.dumps(row.raw, ensure_ascii=False), flush=True)
        else:
            print("\t".join(_text(getattr(row, name)) for name in columns), flush=True)


def _text(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else " ".join(str(value).split())


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise MilpaError(f"{path} is no JSON: {error}.") from error


def _pairs(given: list[str]) -> list[tuple[str, str]]:
    pairs = [one.partition("=") for one in given]
    if wrong := [one for one, (_, sign, _) in zip(given, pairs, strict=True) if not sign]:
        raise MilpaError(f"“{wrong[0]}” has no =: write NAME=VALUE.")
    return [(name, value) for name, _, value in pairs]


def _value(text: str) -> Any:
    """Numbers, true, false, null and lists as JSON has them; all else is text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _class_of(text: str) -> tuple[str, int]:
    """A value of the labels, which may have signs of equality itself, and the class that it becomes."""
    value, _, number = text.rpartition("=")
    if not number.isdecimal():
        raise MilpaError(f"“{text}” is no VALUE=CLASS with the number of a class.")
    return value, int(number)


def _box(text: str) -> list[float]:
    numbers = [float(part) for part in text.split(",")]
    if len(numbers) != 4:
        raise ValueError(text)
    return numbers
