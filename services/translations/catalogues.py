"""Message catalogues, read from their ``.po`` sources: ``<domain>.<locale>.po``."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

FOLDER = Path(__file__).parent

REPORTS = ("reports", "checks")
"""What reports say, and what is said of each check: title, rationale, remedy."""
OBSERVATIONS = ("observations",)
"""Forms of the sentences that checks compose of what they saw."""

Catalogue = Mapping[str, tuple[str, ...]]
"""By English message: one form for each plural of the language, or a single one."""


@cache
def messages_of(locale: str, domains: tuple[str, ...]) -> Catalogue:
    """The translations of a language. Empty for English, whose messages are their own."""
    found: dict[str, tuple[str, ...]] = {}
    for domain in domains:
        source = FOLDER / f"{domain}.{locale}.po"
        if source.exists():
            found |= _read(source, locale)
    return found


def _read(source: Path, locale: str) -> Catalogue:
    with source.open("rb") as file:
        catalogue = read_po(file, locale=locale)
    found: dict[str, tuple[str, ...]] = {}
    for message in catalogue:
        if message.id and not message.fuzzy:
            key = message.id if isinstance(message.id, str) else message.id[0]
            forms = message.string or ()
            found[key] = (forms,) if isinstance(forms, str) else tuple(forms)
    return found
