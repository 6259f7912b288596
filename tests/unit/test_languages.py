"""Every message of the interface has its translation in every language, with the same places to fill in."""

from __future__ import annotations

import re
from functools import cache

import pytest
from babel.messages.catalog import Catalog, Message
from django.conf import settings
from django.test import RequestFactory
from django.utils import translation
from django.utils.translation import gettext, ngettext

from annotator.enums import PatchState
from annotator.web.languages import Catalogue, PageLanguage
from scripts.catalogues import DOMAINS, LANGUAGES, catalogue_path, compiled, gathered, lacking, read

PLACES = re.compile(r"%\(\w+\)s|\{\w+\}|%%|</?\w+>")
each_catalogue = pytest.mark.parametrize(
    ("language", "domain"), [(language, domain) for language in LANGUAGES for domain in DOMAINS]
)
messages = cache(gathered)


def forms(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ())


def translated(catalog: Catalog) -> list[Message]:
    return [message for message in catalog if message.id]


@each_catalogue
def test_every_message_is_translated_and_none_is_left_over(language: str, domain: str) -> None:
    catalog = read(language, domain)
    wanted = {message.id for message in translated(messages(domain))}
    kept = {message.id for message in translated(catalog)}
    assert wanted - kept == set(), "run `make languages`, then translate"
    assert kept - wanted == set(), "run `make languages`"
    assert lacking(catalog) == []


@each_catalogue
def test_translations_fill_in_what_the_message_does(language: str, domain: str) -> None:
    for message in translated(read(language, domain)):
        wanted = set(PLACES.findall(forms(message.id)[-1]))
        # Tags and places may come in another order, and keys have other names.
        for text in forms(message.string):
            assert set(PLACES.findall(text)) == wanted, text
            assert text == text.strip()


@each_catalogue
def test_a_language_has_all_its_plural_forms(language: str, domain: str) -> None:
    catalog = read(language, domain)
    assert catalog.num_plurals == (6 if language == "ar" else 2)
    for message in translated(catalog):
        if message.pluralizable:
            assert len(forms(message.string)) == catalog.num_plurals


@each_catalogue
def test_the_compiled_catalogue_is_the_written_one(language: str, domain: str) -> None:
    path = catalogue_path(language, domain)
    assert path.with_suffix(".mo").read_bytes() == compiled(read(language, domain)), "run `make languages`"


def test_the_script_finds_messages_of_code_and_of_templates() -> None:
    server = {message.id for message in messages("django")}
    assert {"Skip to the content", "ready", "“Make proposals” asks it for every patch."} <= server
    assert ("Your role: %(roles)s.", "Your roles: %(roles)s.") in server
    browser = {message.id for message in messages("djangojs")}
    assert ("{count} pixel ({share})", "{count} pixels ({share})") in browser
    assert "Undo" in browser


def test_the_settings_offer_the_catalogues_that_there_are() -> None:
    assert {code for code, _ in settings.LANGUAGES} == {"en", *LANGUAGES}


def test_django_reads_them() -> None:
    with translation.override("sw"):
        assert gettext("Sign out") == "Ondoka"
        assert PatchState.SUBMITTED.label == "kimewasilishwa"
    with translation.override("ar"):
        assert translation.get_language_bidi()
        said = ngettext("%(open)s patch waits.", "%(open)s patches wait.", 3) % {"open": 3}
        assert said == "الرقع المنتظرة: 3."


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_the_browser_gets_its_words_as_a_script(language: str) -> None:
    response = Catalogue.as_view()(RequestFactory().get("/"), language=language)
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/javascript")
    script = response.content.decode()
    assert "ngettext" in script
    words = {"es": "Pincel", "ar": r"\u0641\u0631\u0634\u0627\u0629", "sw": "Brashi"}
    assert words.get(language, "") in script


def test_there_is_no_script_of_another_language(client: pytest.FixtureRequest) -> None:
    assert client.get("/languages/xx.js").status_code == 404  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("path", "wish", "chosen", "language"),
    [
        ("/login/", "sw,en;q=0.5", None, "sw"),
        ("/login/", "pt-BR", None, "pt"),
        ("/login/", "tlh", None, "en"),
        ("/login/", "sw", "ar", "ar"),
        ("/admin/", "sw", "ar", "en"),
    ],
)
def test_the_choice_goes_before_the_browsers_wish_and_the_administration_is_english(
    path: str, wish: str, chosen: str | None, language: str
) -> None:
    request = RequestFactory().get(path, headers={"accept-language": wish})
    if chosen:
        request.COOKIES[settings.LANGUAGE_COOKIE_NAME] = chosen
    with translation.override("en"):
        PageLanguage(lambda _: None).process_request(request)  # type: ignore[arg-type, return-value]
        assert translation.get_language() == language
