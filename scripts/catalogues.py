"""The catalogues of annotator/locale: gathering the messages of the interface, and compiling the translations.

A catalogue that lacks a translation is said so; tests/unit/test_languages.py holds all of them complete.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from babel.messages.catalog import Catalog
from babel.messages.extract import extract, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from scripts.failure import told
from scripts.machine import ROOT

LOCALE = ROOT / "annotator" / "locale"
LANGUAGES = ("es", "fr", "pt", "hi", "sw", "ar")
# One catalogue is for the server, one goes to the browser.
DOMAINS = ("django", "djangojs")
HEADER_DATE = datetime(2026, 1, 1, tzinfo=UTC)

Keywords = dict[str, Any]
PYTHON_WORDS: Keywords = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
}
SCRIPT_WORDS: Keywords = {"t": None, "tn": (1, 2)}


def sources(domain: str) -> Iterator[tuple[Path, Any, Keywords]]:
    """The files of a domain, each with Babel's way of reading it and the functions whose argument is a message."""
    if domain == "djangojs":
        for path in sorted((ROOT / "frontend").rglob("*.js")):
            yield path, "javascript", SCRIPT_WORDS
        return
    # The administration is in English only.
    for path in sorted((ROOT / "annotator").rglob("*.py")):
        if "admin" not in path.parts and "migrations" not in path.parts:
            yield path, "python", PYTHON_WORDS
    for path in sorted((ROOT / "annotator" / "web" / "templates").glob("*.html")):
        yield path, messages_of_template, PYTHON_WORDS


def messages_of_template(fileobj: BinaryIO, keywords: Any, comment_tags: Any, options: Any) -> Iterator[Any]:
    """Babel's way of reading a Django template: Django itself turns its tags into calls of Python."""
    from django.utils.translation.template import templatize

    calls = templatize(fileobj.read().decode())
    # What is no message is blanked out, but its indentation would be an error of Python.
    flush_left = "\n".join(line.strip() for line in calls.split("\n"))
    yield from extract_python(io.BytesIO(flush_left.encode()), keywords, comment_tags, options)


def empty(language: str | None) -> Catalog:
    """A catalogue whose header holds no date: what changed when, the repository knows."""
    return Catalog(
        language,
        project="Milpa",
        version="0.1",
        charset="utf-8",
        header_comment="",
        msgid_bugs_address="",
        last_translator="",
        language_team="",
        creation_date=HEADER_DATE,
        revision_date=HEADER_DATE,
        fuzzy=False,
    )


def gathered(domain: str) -> Catalog:
    """All messages of a domain, untranslated."""
    catalog = empty(None)
    for path, method, keywords in sources(domain):
        name = path.relative_to(ROOT).as_posix()
        with path.open("rb") as file:
            for line, message, comments, context in extract(method, file, keywords):
                catalog.add(message, None, [(name, line)], auto_comments=comments, context=context)
    return catalog


def catalogue_path(language: str, domain: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"{domain}.po"


def read(language: str, domain: str) -> Catalog:
    """The translations as they are kept; an empty catalogue where there are none."""
    path = catalogue_path(language, domain)
    if not path.exists():
        return empty(language)
    with path.open("rb") as file:
        return read_po(file, locale=language, domain=domain)


def compiled(catalog: Catalog) -> bytes:
    """What Django reads."""
    output = io.BytesIO()
    write_mo(output, catalog)
    return output.getvalue()


def lacking(catalog: Catalog) -> list[str]:
    """The messages without a translation, or without one of its plural forms."""
    return [
        message.id if isinstance(message.id, str) else message.id[0]
        for message in catalog
        if message.id
        and not (all(message.string) if isinstance(message.string, (tuple, list)) else message.string)
    ]


def update(language: str, domain: str, template: Catalog) -> Catalog:
    """Take new messages up, drop those that are gone, and write the catalogue in both its forms."""
    before, catalog = read(language, domain), empty(language)
    for message in template:
        known = before.get(message.id) if message.id else None
        if message.id:
            catalog.add(message.id, known.string if known else None, message.locations)
    path = catalogue_path(language, domain)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=110, sort_by_file=True, include_lineno=False)
    path.with_suffix(".mo").write_bytes(compiled(read(language, domain)))
    return catalog


def main() -> int:
    for domain in DOMAINS:
        template = gathered(domain)
        for language in LANGUAGES:
            missing = lacking(update(language, domain, template))
            said = f"{len(missing)} without a translation" if missing else "complete"
            print(f"{language}/{domain}: {len(template)} messages, {said}")
            for message in missing[:3]:
                print(f"    {message}")
    return 0


if __name__ == "__main__":
    sys.exit(told(main))
