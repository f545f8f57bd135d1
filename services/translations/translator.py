"""One language: its sentences, and its way to write numbers, dates and lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.lists import format_list
from babel.numbers import format_decimal

from services.translations.catalogues import OBSERVATIONS, REPORTS, Catalogue, messages_of
from services.translations.phrasebook import Phrasebook

LOCALES = ("en", "it", "de", "fr", "es")
DEFAULT_LOCALE = "en"

_LONG_MOMENT = "d MMM yyyy, HH:mm"


def N_(message: str) -> str:  # noqa: N802 - gettext's name for it
    """Mark a message that is translated where it is used."""
    return message


@dataclass(frozen=True)
class Translator:
    locale: str
    catalogue: Catalogue
    cldr: Locale
    phrasebook: Phrasebook

    def text(self, message: str, /, **values: object) -> str:
        """The message in this language, with ``%(name)s`` filled in. Unknown ones stay English."""
        found = self.catalogue.get(message, (message,))[0] or message
        return found % values if values else found

    def count(self, one: str, many: str, number: int, /, **values: object) -> str:
        """The form that fits ``number``, which the message may print as ``%(n)s``."""
        forms = self.catalogue.get(one) or (one, many)
        form = forms[min(self._plural(number), len(forms) - 1)]
        return form % {"n": self.number(number), **values}

    def said(self, sentence: str, /) -> str:
        """A sentence that was composed in English earlier, as far as its form is known."""
        return self.phrasebook.translate(sentence)

    def inside(self, text: str, /) -> str:
        """A heading as a part of a sentence: German nouns keep their capital."""
        return text if self.locale == "de" else f"{text[:1].lower()}{text[1:]}"

    def number(self, value: int) -> str:
        return format_decimal(value, locale=self.cldr)

    def decimal(self, value: float) -> str:
        """With one digit after the comma."""
        return format_decimal(value, "0.0", locale=self.cldr)

    def signed(self, value: float) -> str:
        """With one digit after the comma, and its sign."""
        return format_decimal(value, "+0.0;-0.0", locale=self.cldr)

    def moment(self, value: datetime) -> str:
        """Date and time in UTC."""
        written = format_datetime(value.astimezone(UTC), _LONG_MOMENT, locale=self.cldr)
        return f"{written} UTC"

    def day(self, value: datetime) -> str:
        """A date in UTC, short."""
        return format_date(value.astimezone(UTC), "medium", locale=self.cldr)

    def listed(self, parts: Sequence[str]) -> str:
        """``a, b and c``."""
        return format_list(parts, locale=self.cldr)

    def _plural(self, number: int) -> int:
        # French counts nothing as one; the others do not.
        return int(number > 1 if self.locale == "fr" else number != 1)


@cache
def translator(locale: str) -> Translator:
    """The language of a locale of ``LOCALES``. Raises KeyError for any other."""
    if locale not in LOCALES:
        raise KeyError(locale)
    # British dates and lists: 23 Nov 2026; a, b and c.
    cldr = Locale.parse("en_GB" if locale == DEFAULT_LOCALE else locale)
    phrasebook = Phrasebook(messages_of(locale, OBSERVATIONS))
    return Translator(locale, messages_of(locale, REPORTS), cldr, phrasebook)
