"""`python manage.py import_labels PROJECT FILE`: existing labels become revisions, here and now."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.files import File
from django.core.files.uploadedfile import UploadedFile
from django.core.management.base import BaseCommand, CommandError

from annotator.domain.label_imports import Mapped, bring_labels, import_labels, start_import
from annotator.enums import ImportState
from annotator.errors import MilpaError
from annotator.models import LabelImport, Project


class Command(BaseCommand):
    help = (
        "Imports labels from a GeoJSON, GeoPackage, KML, GeoParquet, zipped Shapefile, GeoTIFF or COCO file, or from "
        "the ZIP of an export of chips."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="the project's slug")
        parser.add_argument("file", type=Path)
        parser.add_argument("--user", help="whose revisions they become (default: who made the project)")
        parser.add_argument(
            "--crs", default="", help="where the file does not say it, for instance EPSG:32637"
        )
        parser.add_argument("--encoding", default="", help="of texts, where the file says it wrong")
        parser.add_argument("--swap-axes", action="store_true", help="coordinates are latitude, longitude")
        parser.add_argument("--attribute", default="", help="which attribute tells the class (default: none)")
        parser.add_argument("--class", dest="classes", action="append", default=[], metavar="VALUE=CLASS")
        parser.add_argument(
            "--outside", type=int, default=255, help="land without a label: 0 or 255 (default)"
        )
        parser.add_argument(
            "--outline-px", type=int, default=0, help="width of outlines of the boundary class"
        )
        parser.add_argument(
            "--approve", action="store_true", help="approve at once instead of asking for review"
        )
        parser.add_argument("--look", action="store_true", help="only tell what is in the file")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project “{options['project']}”.")
        user = project.created_by
        if options["user"]:
            user = User.objects.filter(username=options["user"]).first()
            if user is None:
                raise CommandError(f"There is nobody called “{options['user']}”.")
        reading = {name: options[name] for name in ("crs", "encoding", "swap_axes")}
        try:
            with options["file"].open("rb") as file:
                upload = UploadedFile(File(file), options["file"].name, size=options["file"].stat().st_size)
                row = bring_labels(project=project, user=user, upload=upload, reading=reading)
            if options["look"]:
                row.file_path.unlink()
                row.delete()
                self._tell(row.preview)
                return
            start_import(label_import=row, user=user, mapped=_mapped(options))
        except MilpaError as error:
            raise CommandError(error.detail) from error
        except OSError as error:
            raise CommandError(f"“{options['file']}” cannot be read: {error.strerror}.") from error
        import_labels(row.pk)
        row = LabelImport.objects.get(pk=row.pk)
        if row.state != ImportState.SUCCEEDED:
            raise CommandError(row.message)
        self._tell(row.report)

    def _tell(self, document: Any) -> None:
        self.stdout.write(json.dumps(document, indent=2, ensure_ascii=False))


def _mapped(options: dict[str, Any]) -> Mapped:
    classes = {}
    for given in options["classes"]:
        value, _, class_value = given.rpartition("=")
        if not class_value.isdigit():
            raise CommandError(f"“{given}” is no VALUE=CLASS with the number of a class.")
        classes[value] = int(class_value)
    return Mapped(
        attribute=options["attribute"],
        classes=classes,
        outside=options["outside"],
        outline_px=options["outline_px"],
        approve=options["approve"],
    )
