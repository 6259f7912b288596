"""`manage.py rebuild_version PROJECT NUMBER`: whether a model version is what its record says."""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.domain.rebuilds import rebuild
from annotator.errors import MilpaError
from annotator.inference import MethodError
from annotator.models import ModelVersion


class Command(BaseCommand):
    help = "Trains a model version again from its record and says whether the same adapter comes out."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="the project's short name, as in its address")
        parser.add_argument("number", type=int, help="the version's number")

    def handle(self, *args: Any, **options: Any) -> None:
        version = (
            ModelVersion.objects.filter(project__slug=options["project"], number=options["number"])
            .select_related("parent")
            .first()
        )
        if version is None:
            raise CommandError(
                f"There is no version {options['number']} of a project {options['project']!r}."
            )
        with tempfile.TemporaryDirectory(prefix="milpa-rebuild-") as folder:
            try:
                made = rebuild(version=version, folder=Path(folder))
            except (MilpaError, MethodError) as error:
                raise CommandError(f"Version {version.number} cannot be rebuilt. {error}") from error
        if not made.is_same:
            raise CommandError(made.sentence)
        self.stdout.write(f"{made.sentence} ({made.seconds:.0f} s)")
