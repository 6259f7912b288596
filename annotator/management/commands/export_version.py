"""`python manage.py export_version PROJECT NUMBER`: a model version as a ZIP."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.domain.version_export import export_version
from annotator.errors import MilpaError
from annotator.models import ModelVersion


class Command(BaseCommand):
    help = "Writes a model version as a ZIP: its adapter, model card, legend and STAC Item."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="the project's slug")
        parser.add_argument("number", type=int, help="the version's number in the project")
        parser.add_argument("--out", type=Path, help="where the ZIP goes (default: here, by its own name)")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = ModelVersion.objects.select_related("project", "parent")
        version = rows.filter(project__slug=options["project"], number=options["number"]).first()
        if version is None:
            raise CommandError(
                f"There is no version {options['number']} of a project “{options['project']}”. The project's page "
                "in the admin lists its versions."
            )
        try:
            archive = export_version(version=version)
        except MilpaError as error:
            raise CommandError(error.detail) from error
        out = options["out"] or Path(archive.file_name)
        partial = out.with_name(f"{out.name}.partial")
        try:
            with partial.open("wb") as file:
                file.writelines(archive.pieces)
            partial.replace(out)
        except OSError as error:
            raise CommandError(f"“{out}” cannot be written: {error.strerror}.") from error
        finally:
            partial.unlink(missing_ok=True)
        self.stdout.write(f"{out}: {out.stat().st_size:,} bytes")
