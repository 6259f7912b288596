"""The verbs of the API for scripts. Every one raises `milpa.Problem` with the server's sentence where it refuses."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from milpa import downloads
from milpa.documents import (
    Export,
    Import,
    Job,
    LabelClass,
    Member,
    Patch,
    Project,
    Queue,
    QueuePlace,
    Ranking,
    Run,
    Scene,
    Version,
    Work,
)
from milpa.errors import NotConfigured
from milpa.transport import Transport
from milpa.waiting import OnProgress, poll, wait_for_work

WorkT = TypeVar("WorkT", bound=Work)
#: West, south, east, north in degrees.
Box = Sequence[float]


def _narrowed(*, bbox: Box | None = None, **given: str | date | None) -> dict[str, str]:
    """The parameters of a list, without those that narrow nothing."""
    texts = {name: str(value) for name, value in given.items() if value}
    return texts | ({"bbox": ",".join(map(repr, bbox))} if bbox is not None else {})


class Client:
    """A Milpa server as one person: ``with Client() as milpa: ...``.

    ``url`` and ``token`` are read from MILPA_URL and MILPA_TOKEN unless they are given. A request waits for
    ``timeout_s`` for each sign of life, and is sent ``attempts`` times at most, the first time again after about
    ``pause_s``. What makes something takes a ``key``: within 24 hours, the same again with the same key makes nothing
    more and gives the first answer, also after this program died. Without one, each call has a key of its own.
    """

    def __init__(
        self,
        url: str = "",
        token: str = "",
        *,
        timeout_s: float = 60.0,
        attempts: int = 4,
        pause_s: float = 0.5,
    ) -> None:
        url, token = url or os.environ.get("MILPA_URL", ""), token or os.environ.get("MILPA_TOKEN", "")
        if not url:
            raise NotConfigured("Set MILPA_URL to the address of the server, as in https://milpa.example.")
        if not token:
            raise NotConfigured("Set MILPA_TOKEN to a token of yours; docs/client.md tells how to get one.")
        self._transport = Transport(url, token, timeout_s=timeout_s, attempts=attempts, pause_s=pause_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    # --- projects and scenes ---------------------------------------------------------------------------------

    def projects(self) -> Iterator[Project]:
        """Those that you are a member of, the newest first."""
        return map(Project.of, self._transport.pages("projects/"))

    def project(self, slug: str) -> Project:
        return Project.of(self._transport.get(f"projects/{slug}/"))

    def create_project(
        self,
        name: str,
        legend: Sequence[LabelClass],
        *,
        description: str = "",
        patch_zoom: int | None = None,
        area: Mapping[str, Any] | None = None,
        key: str = "",
    ) -> Project:
        """``area`` is a GeoJSON geometry; without ``patch_zoom`` the first scene's resolution decides it."""
        body = {
            "name": name,
            "legend": [asdict(one) for one in legend],
            "description": description,
            "patch_zoom": patch_zoom,
            "area_of_interest": area,
        }
        return Project.of(self._transport.send("POST", "projects/", json=body, key=key))

    def members(self, project: str, *, role: str = "") -> Iterator[Member]:
        """A row for each role of each member: annotator, lead, ml_staff."""
        return map(Member.of, self._transport.pages(f"projects/{project}/members/", _narrowed(role=role)))

    def add_member(self, project: str, user: str, role: str) -> Member:
        """Gives the account of that name a role; giving it twice changes nothing."""
        path, body = f"projects/{project}/members/", {"user": user, "role": role}
        return Member.of(self._transport.send("POST", path, json=body))

    def remove_member(self, member: Member) -> None:
        """Takes that one role away."""
        self._transport.send("DELETE", f"members/{member.id}/")

    def scenes(
        self,
        project: str,
        *,
        state: str = "",
        bbox: Box | None = None,
        acquired_from: date | None = None,
        acquired_to: date | None = None,
    ) -> Iterator[Scene]:
        """The newest first: those in a ``state``, that meet a box, or acquired from one day to another."""
        given = _narrowed(state=state, bbox=bbox, acquired_from=acquired_from, acquired_to=acquired_to)
        return map(Scene.of, self._transport.pages(f"projects/{project}/scenes/", given))

    def add_scene(
        self,
        project: str,
        *,
        file: Path | None = None,
        source: str = "",
        name: str = "",
        acquired_on: date | None = None,
        key: str = "",
    ) -> Scene:
        """By upload of a ``file``, or from a ``source`` that the server reads: a path there, a URL, ``s3://``."""
        form = {"source": source, "name": name, "acquired_on": acquired_on.isoformat() if acquired_on else ""}
        given = {key: value for key, value in form.items() if value}
        path = f"projects/{project}/scenes/"
        if file is None:
            return Scene.of(self._transport.send("POST", path, json=given, key=key))
        return Scene.of(self._transport.send("POST", path, form=given, file=file, key=key))

    # --- labels that exist already ---------------------------------------------------------------------------

    def bring_labels(
        self,
        project: str,
        file: Path,
        *,
        crs: str = "",
        encoding: str = "",
        swap_axes: bool = False,
        key: str = "",
    ) -> Import:
        """Uploads the file; its ``preview`` tells what is in it, and nothing becomes of it before `start_import`."""
        form = {"crs": crs, "encoding": encoding, "swap_axes": "true" if swap_axes else "false"}
        given = {key: value for key, value in form.items() if value}
        path = f"projects/{project}/imports/"
        return Import.of(self._transport.send("POST", path, form=given, file=file, key=key))

    def start_import(
        self,
        brought: Import,
        classes: Mapping[str, int],
        *,
        attribute: str = "",
        outside: int = 255,
        outline_px: int = 0,
        approve: bool = False,
        key: str = "",
    ) -> Import:
        """Makes masks: ``classes`` tells each value of the ``attribute`` to a class value of the legend.

        ``outside`` is what land without a label becomes, 255 (unsure) or 0; ``outline_px`` the width of outlines of
        the boundary class; ``approve`` approves the masks at once.
        """
        mapping = {
            "attribute": attribute,
            "classes": dict(classes),
            "outside": outside,
            "outline_px": outline_px,
            "approve": approve,
        }
        return Import.of(self._transport.send("POST", f"imports/{brought.id}/start/", json=mapping, key=key))

    # --- the loop --------------------------------------------------------------------------------------------

    def propose(self, project: str, *, scene: int | None = None, key: str = "") -> Job:
        """Asks for proposals of the promoted version, on the newest scene unless one is named."""
        path = f"projects/{project}/inference-jobs/"
        return Job.of(self._transport.send("POST", path, json={"scene": scene}, key=key))

    def rank(self, project: str, *, timeout_s: float | None = 600.0) -> Ranking:
        """Ranks the labelling queue anew and waits for it. Raises WaitedTooLong."""
        before = self._transport.send("POST", f"projects/{project}/queue/")["before"]

        def newer() -> Ranking | None:
            ranking = self.queue(project).ranking
            return ranking if ranking is not None and ranking.id != before else None

        return poll(newer, f"the ranking of {project}", timeout_s)

    def queue(self, project: str) -> Queue:
        """What is served next, the first 20 places."""
        told = self._transport.get(f"projects/{project}/queue/")
        return Queue(
            open=told["open"],
            claimed=told["claimed"],
            entries=[QueuePlace.of(one) for one in told["entries"]],
            ranking=Ranking.of(told["ranking"]) if told["ranking"] else None,
        )

    def patches(
        self, project: str, *, state: str = "", bbox: Box | None = None, audit: bool = False
    ) -> Iterator[Patch]:
        """The newest first: those in a ``state``, that meet a box, or of the random sample."""
        given = _narrowed(state=state, bbox=bbox, audit="1" if audit else "")
        return map(Patch.of, self._transport.pages(f"projects/{project}/patches/", given))

    def train(self, project: str, config: Mapping[str, Any] | None = None, *, key: str = "") -> Run:
        """Asks for a training run; the run keeps its ``key`` for good."""
        path, body = f"projects/{project}/training-runs/", {"config": dict(config or {})}
        return Run.of(self._transport.send("POST", path, json=body, key=key))

    def jobs(self, project: str, *, state: str = "") -> Iterator[Job]:
        """The makings of proposals, the newest first."""
        return map(
            Job.of, self._transport.pages(f"projects/{project}/inference-jobs/", _narrowed(state=state))
        )

    def runs(self, project: str, *, state: str = "") -> Iterator[Run]:
        return map(
            Run.of, self._transport.pages(f"projects/{project}/training-runs/", _narrowed(state=state))
        )

    def versions(self, project: str) -> Iterator[Version]:
        return map(Version.of, self._transport.pages(f"projects/{project}/model-versions/"))

    # --- exports ---------------------------------------------------------------------------------------------

    def export(self, project: str, kind: str, parameters: Mapping[str, Any] | None = None) -> Export:
        """Asks for the approved masks; the same masks with the same parameters are the export that there is."""
        body = {"kind": kind, "parameters": dict(parameters or {})}
        return Export.of(self._transport.send("POST", f"projects/{project}/exports/", json=body))

    def exports(self, project: str, *, state: str = "", kind: str = "") -> Iterator[Export]:
        given = _narrowed(state=state, kind=kind)
        return map(Export.of, self._transport.pages(f"projects/{project}/exports/", given))

    def download(self, export: Export, path: Path, *, on_progress: OnProgress | None = None) -> Path:
        """Writes the export's file, going on with what came of it before, and checks its length and SHA-256."""
        return downloads.download(self._transport, export, path, on_progress)

    # --- waiting ---------------------------------------------------------------------------------------------

    def reload(self, work: WorkT) -> WorkT:
        """The same row as it is now."""
        return type(work).of(self._transport.get(f"{work.path}/{work.id}/"))

    def wait(
        self, work: WorkT, *, on_progress: OnProgress | None = None, timeout_s: float | None = None
    ) -> WorkT:
        """The scene, job, import, export or run once it is done. Raises WorkFailed, WaitedTooLong."""
        return wait_for_work(work, self.reload, on_progress, timeout_s)
