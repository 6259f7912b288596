"""The container files: valid, and naming only what exists. No container engine is needed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from annotator.domain.dispatch import QUEUES
from scripts.machine import ROOT

DOCKER = ROOT / "docker"
PROGRAMS = Path(sys.executable).parent
SECRETS = {"SECRET_KEY": "a-key-for-this-test-only", "POSTGRES_PASSWORD": "secret"}
# What boto3 reads by itself.
AWS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"}
# Of a private installation; in a container, the image sets them, or they mean nothing.
MAKE_RUN_ONLY = {
    "PORT", "BIND", "DEMO", "MILPA_VAR", "MILPA_MEDIA", "MILPA_DATA", "MILPA_DEMO_PASSWORD", "UV_TORCH_BACKEND",
}  # fmt: skip
# Variables of compose.yaml itself, which the application never sees.
COMPOSE_ONLY = {"POSTGRES_PASSWORD", "WEB_PORT", "SCENE_FOLDER", "TORCH_BACKEND"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((DOCKER / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (DOCKER / "Dockerfile").read_text().replace("\\\n", " ")


def run_compose(*words: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    example = ["--env-file", str(DOCKER / "production.env.example"), "-f", str(DOCKER / "compose.yaml")]
    return subprocess.run(
        [str(PROGRAMS / "docker-compose"), *example, *words],
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")} | env,
        capture_output=True,
        text=True,
        check=False,
    )


def settings_variables() -> set[str]:
    """The environment variables that the settings read."""
    source = (ROOT / "annotator" / "settings.py").read_text()
    return set(re.findall(r'(?:read_\w+|environ\.get)\(\s*"([A-Z0-9_]+)"', source)) | {"DATABASE_URL"} | AWS


def celery_queues(text: str) -> set[str]:
    """The queues that follow -Q, in either way of writing a command as a list."""
    found = re.findall(r'-Q"?,\s*"?([a-z,]+?)"?,\s', text)
    return {queue for names in found for queue in names.split(",")}


def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run(
        [str(PROGRAMS / "hadolint"), str(DOCKER / "Dockerfile")], capture_output=True, text=True, check=False
    )

    assert done.stdout + done.stderr == ""
    assert done.returncode == 0


def test_compose_file_is_valid() -> None:
    done = run_compose("config", "--quiet", env=SECRETS)

    assert done.stderr == ""
    assert done.returncode == 0


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_compose_refuses_to_start_without_a_secret(missing: str) -> None:
    # This program's exit code is 0 even so.
    done = run_compose("config", "--quiet", env={k: v for k, v in SECRETS.items() if k != missing})

    assert f"set {missing} in docker/production.env" in done.stderr


def test_example_holds_no_secret() -> None:
    lines = (DOCKER / "production.env.example").read_text().splitlines()

    assert [line for line in lines if line.startswith(("SECRET_KEY", "POSTGRES_PASSWORD"))] == [
        "SECRET_KEY=",
        "POSTGRES_PASSWORD=",
    ]


def test_every_variable_is_one_that_the_settings_read(compose: dict[str, Any]) -> None:
    example = re.findall(
        r"^([A-Z0-9_]+)=", (DOCKER / "production.env.example").read_text(), flags=re.MULTILINE
    )
    given = set(compose["x-application"]["environment"])

    assert given - settings_variables() == set()
    assert set(example) - settings_variables() - COMPOSE_ONLY == set()


def test_every_documented_variable_reaches_the_application_and_no_other(compose: dict[str, Any]) -> None:
    settings_page = (ROOT / "docs" / "settings.md").read_text()
    documented = set(re.findall(r"^\| `([A-Z0-9_]+)` \|", settings_page, re.MULTILINE))

    assert set(compose["x-application"]["environment"]) == documented - MAKE_RUN_ONLY


def test_every_queue_has_a_worker(compose: dict[str, Any], dockerfile: str) -> None:
    composed = {queue for service in compose["services"].values() for queue in _queues_of(service)}

    assert composed | {"default"} == set(QUEUES.values())
    assert celery_queues(dockerfile) == set(QUEUES.values())


def _queues_of(service: dict[str, Any]) -> set[str]:
    words = service.get("command", [])
    return set(words[words.index("-Q") + 1].split(",")) if "-Q" in words else set()


def test_commands_name_what_exists(compose: dict[str, Any], dockerfile: str) -> None:
    text = dockerfile + str(compose["services"])
    used = set(re.findall(r"manage\.py (\w+)", text))
    module, _, attribute = re.search(r'"gunicorn", "([\w.]+:\w+)"', dockerfile).group(1).partition(":")

    assert used == {"migrate", "collectstatic"}
    assert used - set(get_commands()) == set()
    assert callable(getattr(import_module(module), attribute))
    assert import_module("annotator.celery").app.main == "milpa"


def test_copied_paths_exist_and_reach_the_build(dockerfile: str) -> None:
    copied = [
        path
        for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, flags=re.MULTILINE)
        for path in line.split()[:-1]
    ]
    let_in = {
        line.lstrip("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }

    assert [path for path in copied if not (ROOT / path).exists()] == []
    assert set(copied) - let_in == set()


def test_images_run_as_an_ordinary_user(dockerfile: str) -> None:
    stages = re.split(r"^FROM ", dockerfile, flags=re.MULTILINE)
    by_name = {stage.split()[2]: stage for stage in stages[1:]}

    assert "USER 10001:10001" in by_name["application"]
    for name in ("web", "worker", "ml-worker"):
        assert by_name[name].startswith("application AS")
        assert "USER" not in by_name[name]
