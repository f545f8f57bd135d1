"""The PDF report, read back with pypdf."""

import io
from dataclasses import replace
from typing import Any, cast

import pytest
from pypdf import PdfReader

from services.compliance import DISCLAIMER
from services.rendering.document import ReportRows
from services.rendering.formats import ReportFormat
from tests.unit.rendering.hostile import a_hostile_report
from tests.unit.rendering.samples import CHECKS, NOON, Sample, a_report, findings_of


@pytest.fixture(scope="module")
def sample() -> PdfReader:
    return read(a_report(findings_of(40)))


def read(report: Sample) -> PdfReader:
    return PdfReader(io.BytesIO(report.render(ReportFormat.PDF)))


def text_of(reader: PdfReader) -> str:
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


def links_of(reader: PdfReader) -> list[object]:
    return [link.get_object() for page in reader.pages for link in page.annotations or ()]


def test_every_title_endpoint_and_letter_can_be_read(sample: PdfReader) -> None:
    report = a_report(findings_of(40))
    text = text_of(sample)

    assert {f.title for f in report.findings} == {t for t in _titles(report) if t in text}
    assert all(finding.endpoint in text for finding in report.findings)
    assert all(f"({letter})" in text for letter in "abcdefghij")
    assert "Manual" in text
    assert DISCLAIMER in text
    assert "The OCSP responder did not answer" in text


def test_pages_are_numbered_and_the_cover_is_not(sample: PdfReader) -> None:
    count = len(sample.pages)

    texts = [page.extract_text() for page in sample.pages]
    assert "Page 1 of" not in texts[0]
    assert all(f"Page {n} of {count}" in text for n, text in enumerate(texts[1:], start=2))


def test_it_has_bookmarks_links_and_metadata(sample: PdfReader) -> None:
    bookmarks = [entry.title for entry in sample.outline if not isinstance(entry, list)]
    links = links_of(sample)

    assert bookmarks == [
        "For management",
        "NIS2 Article 21(2), letter by letter",
        "The points of the annex",
        "Findings",
        "Scope and what was not tested",
        "Method",
    ]
    assert len(links) >= len(CHECKS)
    assert not any("/URI" in str(link) for link in links)
    assert sample.metadata is not None
    assert sample.metadata.title == "NIS2 exposure report: Public services, weekly"
    assert sample.metadata.author == "Stadtwerke Musterstadt GmbH"
    assert sample.metadata.producer == "NIS2 Gateway 0.1"


def test_no_page_names_a_font_that_is_not_in_the_file(sample: PdfReader) -> None:
    # pypdf has no types for the inside of a file.
    fonts: list[Any] = [
        font.get_object()
        for page in sample.pages
        for font in cast("Any", page["/Resources"]).get("/Font", {}).values()
    ]

    assert fonts
    assert [f["/BaseFont"] for f in fonts if "/FontFile2" not in f.get("/FontDescriptor", {})] == []


def test_fonts_are_embedded(sample: PdfReader) -> None:
    objects = [str(sample.get_object(number)) for number in range(1, len(sample.xref[0]) + 1)]

    descriptors = [text for text in objects if "/FontDescriptor'" in text and "/FontFile2" in text]
    assert any("DejaVuSans-Bold" in text for text in descriptors)
    assert any("DejaVuSans'" in text for text in descriptors)


def test_hostile_words_are_printed_and_nothing_else_happens() -> None:
    reader = read(a_hostile_report())

    text = text_of(reader)
    assert "<script>alert(1)</script>" in text
    assert "{{ 7*7 }}" in text
    assert "Łódź ě Москва Ελλάδα" in text
    assert "root:" not in text
    assert not any("/URI" in str(link) for link in links_of(reader))


def test_many_findings_stand_in_an_annex_that_continues_the_numbering() -> None:
    report = a_report(findings_of(1_200))

    reader = read(report)

    texts = [page.extract_text() for page in reader.pages]
    start = next(n for n, text in enumerate(texts) if "Annex: all findings" in text)
    annex = "".join("".join(texts[start:]).split())
    assert f"Page {start + 1} of {len(texts)}" in texts[start]
    assert f"Page {len(texts)} of {len(texts)}" in texts[-1]
    assert all(finding.endpoint in annex for finding in report.findings)
    assert "Annex: all findings" in [e.title for e in reader.outline if not isinstance(e, list)]


def test_many_targets_stand_in_an_annex() -> None:
    report = a_report(findings_of(12))
    one = next(iter(report.rows.assets))
    assets = tuple(replace(one, target=f"t{n}.example.org") for n in range(250))
    rows = ReportRows(report.findings, assets, ())

    text = text_of(read(replace(report, rows=rows)))

    assert "Annex: all targets" in text
    assert "t249.example.org" in text


def test_accepted_risks_are_listed_with_their_reason_or_its_absence() -> None:
    first, second, *rest = findings_of(6)
    accepted = (
        replace(first, status="accepted_risk", resolution_note="Ends in May", accepted_until=NOON),
        replace(second, status="accepted_risk"),
        *rest,
    )

    text = text_of(read(a_report(accepted)))

    assert "Accepted risks" in text
    assert "Ends in May" in text
    assert "23 Nov 2026" in text
    assert "No reason recorded" in text


def test_a_scan_that_saw_nothing_gets_a_report_without_a_number() -> None:
    text = text_of(read(a_report((), executive_summary="Nothing answered.")))

    assert "no score" in text
    assert "Nothing answered." in text


def _titles(report: Sample) -> set[str]:
    return {finding.title for finding in report.findings}
