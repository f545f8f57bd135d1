"""Every message has its translation in every language, and no translation is left over."""

import re

import pytest

from services.translations import LOCALES, translator
from services.translations.catalogues import Catalogue, messages_of
from tests.unit.translations.messages import Plurals, check_messages, report_messages

_FOREIGN = [locale for locale in LOCALES if locale != "en"]
_DOMAINS = {"reports": report_messages, "checks": check_messages}
# Names, numbers and words that are the same in another language.
_MAY_BE_EQUAL = re.compile(
    r"^(%\(\w+\)s[:; ()]*|DNS|Scan|Ports?|ports|Web|web|Point|Domains|Status|Problem|Product|"
    r"Organisation|Classification|Cause|Duration|manual|Manual|media|critical|SSL .*|TLS 1\..|RC4|"
    r"Heartbleed|Terrapin.*|Telnet|~all|DMARC p=none|ACAO: \*|Exceptions|Identification|Attention|"
    r"Perimeter|Score|Cryptography|error|.{0,3})"
)


@pytest.mark.parametrize("locale", _FOREIGN)
@pytest.mark.parametrize("domain", list(_DOMAINS))
def test_nothing_is_missing_and_nothing_is_left_over(domain: str, locale: str) -> None:
    wanted, found = _DOMAINS[domain](), messages_of(locale, (domain,))

    assert sorted(wanted.keys() - found.keys()) == []
    assert sorted(found.keys() - wanted.keys()) == []
    assert [message for message in found if not all(found[message])] == []


@pytest.mark.parametrize("locale", _FOREIGN)
@pytest.mark.parametrize("domain", list(_DOMAINS))
def test_every_placeholder_stands_in_every_form(domain: str, locale: str) -> None:
    wanted, found = _DOMAINS[domain](), messages_of(locale, (domain,))

    wrong = [message for message in wanted if not _fits(message, wanted, found)]
    assert wrong == []


@pytest.mark.parametrize("locale", _FOREIGN)
@pytest.mark.parametrize("domain", list(_DOMAINS))
def test_a_translation_is_no_copy(domain: str, locale: str) -> None:
    found = messages_of(locale, (domain,))

    copies = [m for m, forms in found.items() if m in forms and not _MAY_BE_EQUAL.match(m)]
    assert copies == []


@pytest.mark.parametrize("locale", LOCALES)
def test_numbers_and_plurals_follow_the_language(locale: str) -> None:
    language = translator(locale)

    one, many = (
        language.count("%(n)s finding", "%(n)s findings", number) for number in (1, 12_345)
    )
    assert one != many
    assert language.number(12_345) in many


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(KeyError):
        translator("xx")


def _fits(message: str, wanted: Plurals, found: Catalogue) -> bool:
    """A form for one may leave the number out; every other name stands in every form."""
    names = _names(message)
    counted = wanted[message] is not None
    return all(
        _names(form) == names or (counted and _names(form) | {"n"} == names)
        for form in found[message]
    )


def _names(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", text))
