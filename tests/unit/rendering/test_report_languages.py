"""A report says in its reader's language whatever the platform says itself."""

import io
import json
import re
from functools import cache

import pytest
from pypdf import PdfReader

from services.compliance import DISCLAIMER, annex_points
from services.rendering.formats import ReportFormat
from services.rendering.sentences import HEADINGS
from services.translations import LOCALES, translator
from services.translations.catalogues import REPORTS, messages_of
from tests.unit.rendering.samples import a_report, findings_of
from tests.unit.translations.messages import check_messages, report_messages

_FOREIGN = [locale for locale in LOCALES if locale != "en"]
_LONG = 18
"""Characters from which a message cannot be a part of a name by chance."""


@cache
def page(locale: str, format: ReportFormat) -> str:
    content = a_report(findings_of(40)).in_language(locale).render(format)
    if format is ReportFormat.PDF:
        pages = PdfReader(io.BytesIO(content)).pages
        return _joined(" ".join(page.extract_text() for page in pages))
    return _joined(content.decode())


def _joined(text: str) -> str:
    """Without blanks: a line may break anywhere."""
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_heading_title_and_remedy_is_in_the_language(locale: str) -> None:
    say = translator(locale).text
    text = page(locale, ReportFormat.PDF)

    expected = [DISCLAIMER, *(point.heading for point in annex_points().values())]
    expected += [heading for key, heading in HEADINGS.items() if key != "exceptions"]
    for finding in a_report(findings_of(40)).findings:
        expected += [finding.title, finding.rationale or "", finding.remediation or ""]
    assert [one for one in dict.fromkeys(expected) if _joined(say(one)) not in text] == []


@pytest.mark.parametrize("format", [ReportFormat.PDF, ReportFormat.HTML, ReportFormat.MARKDOWN])
@pytest.mark.parametrize("locale", _FOREIGN)
def test_no_english_message_is_left(locale: str, format: ReportFormat) -> None:
    text = page(locale, format)
    catalogue = messages_of(locale, REPORTS)
    # What was seen is quoted word for word, and the sample's messages begin with their titles.
    quoted = "".join(_joined(f.message) for f in a_report(findings_of(40)).findings)

    left = [
        message
        for message in (*report_messages(), *check_messages())
        if len(message) >= _LONG
        and "%(" not in message
        and message not in catalogue[message]
        and _joined(message) in text
        and _joined(message) not in quoted
    ]
    assert left == []


@pytest.mark.parametrize("locale", _FOREIGN)
def test_formats_for_programs_keep_their_codes_and_translate_their_texts(locale: str) -> None:
    sample = a_report(findings_of(12))

    report = json.loads(sample.in_language(locale).render(ReportFormat.JSON))

    say = translator(locale).text
    for finding, original in zip(report["findings"], sample.findings, strict=True):
        assert finding["severity"] == original.severity.value
        assert finding["check_id"] == original.check_id
        assert finding["title"] == say(original.title)
        assert finding["remediation"] == say(original.remediation or "")
    assert report["compliance_matrix"]["art21_e"]["title"] == say(
        "Secure acquisition, development and maintenance"
    )


@pytest.mark.parametrize("locale", _FOREIGN)
def test_what_a_scan_stored_is_said_again(locale: str) -> None:
    said = translator(locale).said

    assert said("no port answered") != "no port answered"
    assert "example.org" in said("example.org has no AAAA record")
    assert said("SPF could not be looked up: example.org does not exist").endswith(
        said("example.org does not exist")
    )
    assert said("a banner that nobody knows") == "a banner that nobody knows"
    assert said("x" * 10_000) == "x" * 10_000


@pytest.mark.parametrize("locale", LOCALES)
def test_every_glyph_is_in_the_font(locale: str) -> None:
    """A box in a page comes out of the PDF as U+FFFD or as nothing at all."""
    text = page(locale, ReportFormat.PDF)

    assert "\ufffd" not in text
    for word in {w for m in report_messages() for w in translator(locale).text(m).split()}:
        letters = [c for c in word if ord(c) > 127 and c.isalpha()]
        assert all(c in text for c in letters[:1]) or not letters
