"""What a page tells the person after a verb: that it was done, or the sentence of the error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib import messages
from django.http import HttpRequest

from annotator.errors import MilpaError


@contextmanager
def tell(request: HttpRequest, done: str) -> Iterator[None]:
    """Runs a verb and leaves ``done`` as a message for the next page, or the MilpaError's sentence instead."""
    try:
        yield
    except MilpaError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, done)
