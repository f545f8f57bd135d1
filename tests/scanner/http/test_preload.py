"""The HSTS preload list: who is on it, and what that is worth."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from services.scanner.address import AddressPolicy
from services.scanner.context import ProbeOptions
from services.scanner.data_file import DataFileError
from services.scanner.engine import open_context
from services.scanner.http.facts import PreloadFacts, WebFacts
from services.scanner.http.hsts_checks import is_preloaded
from services.scanner.http.preload import find_preload
from tests.scanner.http.made_facts import outcome, page

HSTS = "Strict-Transport-Security: max-age=31536000"
ASKING = HSTS + "; includeSubDomains; preload"
FRESH, OLD = date(2026, 11, 1), date(2025, 1, 1)
LIST = """// A comment, as Chromium's file has many.
{
  "pinsets": [],
  "entries": [
    { "name": "dev", "policy": "public-suffix", "mode": "force-https", "include_subdomains": true },
    { "name": "Whole.test", "mode": "force-https", "include_subdomains": true },
    { "name": "alone.test", "mode": "force-https" },
    { "name": "pinned.test", "include_subdomains": true, "pins": "x" }
  ]
}
"""


def _facts(*lines: str, listed: bool, on: date, url: str = "https://a.test/") -> WebFacts:
    return replace(page(*lines, url=url), preload=PreloadFacts(listed, on))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (_facts(ASKING, listed=True, on=OLD), "passed"),
        (_facts(HSTS, listed=True, on=OLD), "passed"),
        (_facts(HSTS, listed=False, on=OLD), "failed"),
        (_facts(ASKING, listed=False, on=FRESH), "failed"),
        (_facts(HSTS + "; preload", listed=False, on=OLD), "failed"),
        (_facts(ASKING, listed=False, on=OLD), "not_evaluated"),
        (page(ASKING), "not_evaluated"),
        (_facts(listed=False, on=FRESH), "not_applicable"),
        (_facts(ASKING, listed=False, on=FRESH, url="https://192.0.2.1/"), "not_applicable"),
    ],
)
def test_a_site_that_may_have_been_taken_in_since_is_not_judged(
    facts: WebFacts, expected: str
) -> None:
    assert outcome(is_preloaded, facts) == expected


@pytest.mark.parametrize(
    ("host", "is_listed"),
    [
        ("whole.test", True),
        ("deep.below.whole.test", True),
        ("alone.test", True),
        ("www.alone.test", False),
        ("some.dev", True),
        ("pinned.test", False),
        ("nothing.test", False),
        ("notwhole.test", False),
    ],
)
def test_the_operators_list_is_read(tmp_path: Path, host: str, *, is_listed: bool) -> None:
    file = tmp_path / "list.json"
    file.write_text(LIST, encoding="utf-8")

    assert find_preload(file, host).is_listed is is_listed


def test_the_installed_list_has_a_date_and_knows_who_is_on_it() -> None:
    known = find_preload(None, "www.paypal.com")
    unknown = find_preload(None, "nobody.invalid")

    assert (known.is_listed, unknown.is_listed) == (True, False)
    assert known.list_date >= date(2025, 1, 1)


@pytest.mark.parametrize(
    ("text", "words"), [("{}", "no entry"), (None, "No such file"), ("\x00", "no entry")]
)
async def test_a_bad_list_stops_the_start_not_a_scan(
    tmp_path: Path, text: str | None, words: str
) -> None:
    file = tmp_path / "list.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")

    with pytest.raises(DataFileError, match=words) as caught:
        async with open_context(ProbeOptions(hsts_preload_file=file), AddressPolicy()):
            pass
    assert "NIS2_SCAN_HSTS_PRELOAD_FILE" in str(caught.value)
