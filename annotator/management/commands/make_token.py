"""`python manage.py make_token USER`: an access token for somebody, told once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from annotator.domain.access_tokens import make_token
from annotator.enums import TokenScope
from annotator.errors import MilpaError


class Command(BaseCommand):
    help = "Makes an access token for a person, and writes it out once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="the person's user name")
        parser.add_argument("--name", default="made by an operator", help="what it is for")
        parser.add_argument("--days", type=int, default=90, help="for how many days (default: 90)")
        parser.add_argument("--scope", choices=TokenScope.values, default=TokenScope.READ)

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is nobody called “{options['user']}”.")
        try:
            _, token = make_token(
                user=user, name=options["name"], days=options["days"], scope=TokenScope(options["scope"])
            )
        except MilpaError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(token)
