"""Real Celery workers on the test's own database and media folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent
QUEUES = ("default", "imagery", "inference", "training")


class Workers:
    """A worker for each queue, the beat in the first; they end with the test."""

    def __init__(self, folder: Path, *, media: Path | None = None, job_lost_after_s: int = 20) -> None:
        """``media`` is that of the settings unless given, as where the workers outlive a test."""
        self.folder = folder
        self.media = media
        self.job_lost_after_s = job_lost_after_s
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *queues: str) -> None:
        """Starts the queues' workers and waits until they are ready."""
        for queue in queues:
            with self._log(queue).open("wb") as output:
                self.running[queue] = subprocess.Popen(
                    [*_command(queue), *(self._beat() if queue == "default" else [])],
                    cwd=ROOT,
                    env=self._environment(),
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        for queue in queues:
            self._wait_until_ready(queue)

    def kill(self, queue: str) -> None:
        """`kill -9` of the worker and of the process that does its work."""
        worker = self.running.pop(queue)
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait(timeout=30)

    def kill_the_hand(self, queue: str) -> None:
        """`kill -9` of the process that does the queue's work, as the kernel does when memory is short."""
        main = self.running[queue].pid
        for child in Path(f"/proc/{main}/task/{main}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)

    def stop(self) -> None:
        for worker in self.running.values():
            worker.terminate()
        for worker in self.running.values():
            worker.wait(timeout=60)

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_URL": _database_url(),
            "MILPA_MEDIA": str(self.media or settings.MEDIA_ROOT),
            "MILPA_SCENE_FOLDERS": ",".join(map(str, settings.SCENE_FOLDERS)),
            "JOB_LOST_AFTER_SECONDS": str(self.job_lost_after_s),
        }

    def _log(self, queue: str) -> Path:
        return self.folder / f"{queue}.log"

    def _beat(self) -> list[str]:
        return ["-B", "-s", str(self.folder / "beat-schedule")]

    def _wait_until_ready(self, queue: str) -> None:
        deadline = time.monotonic() + 90
        while " ready." not in (log := self._log(queue).read_text()):
            if time.monotonic() > deadline or self.running[queue].poll() is not None:
                pytest.fail(f"the worker of {queue} did not start:\n{log[-3000:]}")
            time.sleep(0.2)


def _command(queue: str) -> list[str]:
    celery = [sys.executable, "-m", "celery", "-A", "annotator", "worker", "--loglevel", "INFO"]
    return [*celery, "-P", "prefork", "-c", "1", "-Q", queue, "-n", f"{queue}-{os.getpid()}@%h", "--purge"]


def _database_url() -> str:
    """The address of the database that the test uses, which is not the one in the environment."""
    values = connection.settings_dict
    password = f":{quote(values['PASSWORD'])}" if values["PASSWORD"] else ""
    host = quote(str(values["HOST"]), safe="/")
    port = f"&port={values['PORT']}" if values["PORT"] else ""
    return f"postgis://{quote(values['USER'])}{password}@/{values['NAME']}?host={host}{port}"
