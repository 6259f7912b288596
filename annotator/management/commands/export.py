"""`python manage.py export PROJECT KIND`: approved masks as a ZIP, made here and now."""

from __future__ import annotations

import json
import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from annotator.domain.exports import download_path, make_export, request_export
from annotator.enums import ExportKind
from annotator.errors import MilpaError
from annotator.models import Export, Project


class Command(BaseCommand):
    help = "Writes the approved masks of a project as a ZIP."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="the project's slug")
        parser.add_argument("kind", choices=ExportKind.values)
        parser.add_argument("--out", type=Path, help="where the ZIP goes (default: here, by its own name)")
        parser.add_argument("--user", help="who exports (default: who made the project)")
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="a parameter of the export, its value in JSON or plain text; may be given again",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project “{options['project']}”.")
        user = project.created_by
        if options["user"]:
            user = User.objects.filter(username=options["user"]).first()
            if user is None:
                raise CommandError(f"There is nobody called “{options['user']}”.")
        try:
            export = request_export(
                project=project,
                user=user,
                kind=ExportKind(options["kind"]),
                parameters=dict(_parameter(given) for given in options["set"]),
            )
            make_export(export.pk)
            export = Export.objects.get(pk=export.pk)
            if not export.has_file and not export.is_active:
                raise CommandError(export.message)
            path = download_path(export)
        except MilpaError as error:
            raise CommandError(error.detail) from error
        out = options["out"] or Path(export.file_name)
        try:
            shutil.copyfile(path, out)
        except OSError as error:
            raise CommandError(f"“{out}” cannot be written: {error.strerror}.") from error
        self.stdout.write(f"{out}: {export.total} patches, {export.size_bytes:,} bytes, {export.sha256}")


def _parameter(given: str) -> tuple[str, Any]:
    name, equals, value = given.partition("=")
    if not equals:
        raise CommandError(f"“{given}” is no NAME=VALUE.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
