"""`make run`: set up what is missing, start everything, print the address, and stop it all at Ctrl-C."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import sys
import time
from http import HTTPStatus
from pathlib import Path
from types import FrameType

from scripts.addresses import Address, need_broker, need_free_port, read_address
from scripts.child import Child
from scripts.commands import manage
from scripts.failure import Failure, Stopped, told
from scripts.machine import ROOT, VENV_PYTHON, need_free_space, var_folder
from scripts.prepare import LOCK, prepare, step
from scripts.remembered import Done, digest
from scripts.services import ENDING_SIGNALS, Holding, Services, stop_on_signals
from scripts.supervisor import Supervisor

UP_TIMEOUT_S = 180
QUEUES = ("default", "imagery", "inference", "training")
OFF = ("0", "false", "no", "off")
# As `manage.py demo` makes them.
DEMO_USERS = ("annotator", "lead", "mlstaff")
DEMO_PASSWORD = "milpa-demo"  # noqa: S105 - printed for all to use, and made for DEBUG only


def main() -> int:
    stop_on_signals()
    address = read_address()
    var = var_folder()
    holding = Holding(var)
    if not holding.take():
        raise Failure(_already_running(holding.told()))
    need_free_space(var, 300, "running Milpa")
    need_free_port(address)
    given = {name: os.environ[name] for name in ("DATABASE_URL", "CELERY_BROKER_URL") if os.environ.get(name)}
    if "CELERY_BROKER_URL" in given:
        need_broker(given["CELERY_BROKER_URL"])
    prepare(database="DATABASE_URL" not in given, broker="CELERY_BROKER_URL" not in given)
    private = Services(var, database="DATABASE_URL" not in given, broker="CELERY_BROKER_URL" not in given)
    with private:
        env = os.environ | private.env | {"PORT": str(address.port), "MILPA_VAR": str(var)}
        # A server of the user's own may change between two runs, so only the private one is remembered.
        users = _bring_up_to_date(env, var / "log", Done(private.database_folder))
        supervisor = Supervisor(_programs(env, var, address), private.children)
        holding.tell(private.env | given | {"address": address.shown_url})
        try:
            supervisor.start()
            step("Starting", lambda: _wait_until_up(address, supervisor))
            print(f"\nMilpa is running at {address.shown_url}\n{users}\nPress Ctrl-C to stop it.", flush=True)
            _watch(supervisor)
        finally:
            _stop(supervisor, private)
    return 0


def _already_running(facts: dict[str, str]) -> str:
    where = f" at {facts['address']}" if "address" in facts else ""
    return (
        f"Milpa is already running from this folder{where} (process {facts.get('pid', 'unknown')}): use that "
        "one, or stop it with Ctrl-C in its terminal first."
    )


def _bring_up_to_date(env: dict[str, str], logs: Path, done: Done) -> str:
    """Migrate, and make the demo's users and projects unless DEMO=0; who can sign in then."""
    migrations = digest(LOCK, *sorted((ROOT / "annotator" / "migrations").glob("*.py")))
    if not done.before("migrate", migrations):
        step("Bringing the database up to date", lambda: manage("migrate", ["--noinput"], env, logs))
        done.now("migrate", migrations)
    if os.environ.get("DEBUG", "").lower() in OFF:
        # With DEBUG the files are served from where they are written.
        step("Gathering static files", lambda: manage("collectstatic", ["--noinput"], env, logs))
    if os.environ.get("DEMO", "").lower() in OFF:
        return ""
    commands = ROOT / "annotator" / "management" / "commands"
    demo = digest(*sorted(commands.glob("*demo*.py"))) + os.environ.get("MILPA_DATA", "")
    if not done.before("demo", demo):
        step("Making the demo", lambda: manage("demo", [], env, logs))
        done.now("demo", demo)
    password = "$MILPA_DEMO_PASSWORD" if os.environ.get("MILPA_DEMO_PASSWORD") else DEMO_PASSWORD
    return f"Sign in as {', '.join(DEMO_USERS)} (each with the password {password})."


def _programs(env: dict[str, str], var: Path, address: Address) -> list[Child]:
    """The web server and a worker for each queue."""
    logs, python = var / "log", str(VENV_PYTHON)
    serve = [
        python,
        "-m",
        "gunicorn",
        "annotator.wsgi:application",
        "--bind",
        f"{address.host}:{address.port}",
    ]
    serve += [
        "--workers",
        "2",
        "--threads",
        "4",
        "--preload",
        "--no-control-socket",
        "--graceful-timeout",
        "5",
    ]
    programs = [Child("web", serve, log=logs / "web.log", env=env)]
    for queue in QUEUES:
        work = [python, "-m", "celery", "-A", "annotator", "worker", "-Q", queue, "-n", f"{queue}@milpa"]
        work += ["-P", "prefork", "-c", "1", "--prefetch-multiplier", "1", "--loglevel", "INFO"]
        work += ["--without-gossip", "--without-mingle"]
        if queue == "default":
            work += ["-B", "-s", str(var / "celerybeat-schedule")]
        # SIGQUIT drops the task in hand, which comes back by itself: nobody waits for a training run to end.
        insist, log = signal.SIGQUIT, logs / f"worker-{queue}.log"
        programs.append(Child(f"worker-{queue}", work, log=log, env=env, second_signal=insist, grace_s=4))
    return programs


def _wait_until_up(address: Address, supervisor: Supervisor) -> None:
    """Wait for the health address to answer and for each worker to say that it is ready."""
    deadline = time.monotonic() + UP_TIMEOUT_S
    while True:
        lacking = _health(address) or supervisor.first_without(" ready.", prefix="worker-")
        if not lacking:
            return
        supervisor.fail_on_death()
        if time.monotonic() > deadline:
            raise Failure(
                f"Milpa is not up after {UP_TIMEOUT_S} s ({lacking}): read the logs in var/log, and run again."
            )
        time.sleep(0.1)


def _health(address: Address) -> str:
    """What is wrong with the web server, empty where nothing is."""
    # The server answers only to the names it is told.
    host = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".*") or "localhost"
    # http.client, unlike urllib, sends nothing to a proxy that the environment names.
    link = http.client.HTTPConnection(address.local_host, address.port, timeout=5)
    try:
        link.request("GET", "/healthz", headers={"Host": host})
        answer = link.getresponse()
        said = answer.read(200).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return f"/healthz: {error}"
    finally:
        link.close()
    return "" if answer.status == HTTPStatus.OK else f"/healthz answers {answer.status}: {said}"


def _watch(supervisor: Supervisor) -> None:
    """Look after the programs until a signal ends this."""
    with contextlib.suppress(Stopped):
        while True:
            supervisor.look()
            time.sleep(0.5)


def _stop(supervisor: Supervisor, private: Services) -> None:
    """Stop all; a second Ctrl-C does so without waiting for the work in hand."""

    def hurry(number: int, frame: FrameType | None) -> None:
        raise Stopped

    _on_ending_signals(hurry)
    print("\nStopping …", flush=True)
    try:
        supervisor.stop()
    except Stopped:
        private.hurry = True
    _on_ending_signals(signal.SIG_IGN)
    if private.hurry:
        supervisor.stop(hurry=True)


def _on_ending_signals(handler: signal.Handlers | object) -> None:
    for number in ENDING_SIGNALS:
        signal.signal(number, handler)  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(told(main))
