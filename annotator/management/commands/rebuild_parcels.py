"""`manage.py rebuild_parcels PROJECT`: all parcels of a project from its approved masks."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import pluralize

from annotator.domain.parcels import draw_batch, rebuild_parcels
from annotator.models import Project
from annotator.queries.parcels import parcel_progress


class Command(BaseCommand):
    help = "Draws all parcels of a project anew and tells how far it is; those that stay the same keep their ids."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="the project's short name, as in its address")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(
                f"There is no project {options['project']!r}: use the short name in its address."
            )
        total = rebuild_parcels(project=project, user=None).total
        waiting = total
        while waiting:
            # Where a worker has the project, there is nothing to do but to wait for it.
            if not draw_batch(project.pk):
                time.sleep(1)
            count, waiting = parcel_progress(project.pk)
            self.stdout.write(f"{total - min(waiting, total)} of {total} patches")
        count, _ = parcel_progress(project.pk)
        self.stdout.write(f"{count} parcel{pluralize(count)}, {total} patch{pluralize(total, 'es')} drawn")
