"""Whatever strangers write into names, banners and notes: harmless everywhere, and readable."""

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt
from pypdf import PdfReader

from services.rendering.document import NotTested, ReportAsset, ReportRows
from services.rendering.formats import ReportFormat
from services.rendering.render_markdown import escaped
from tests.unit.rendering.samples import CHECKS, Sample, a_finding, a_report

ATTACKS = {
    "formula": '=HYPERLINK("http://127.0.0.1/x","MARKER")',
    "formula behind a tab": "\t+cmd|' /C calc'!A0 MARKER",
    "script": "<script>alert('MARKER')</script>",
    "image of a file": '<img src="file:///etc/passwd" alt="MARKER">',
    "image of a host": '<img src="http://169.254.169.254/latest/MARKER">',
    "import": "@import url(http://127.0.0.1/MARKER.css);",
    "style end": "</style><link rel=stylesheet href=//127.0.0.1/MARKER>",
    "entity": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;MARKER</x>',
    "jinja": "{{ ''.__class__.__mro__ }}{% include 'report.css' %}MARKER",
    "markdown": "[MARKER](javascript:alert(1)) ![x](http://127.0.0.1/) | # `code` **bold**",
    "autolink": "http://127.0.0.1/MARKER and <mailto:x@example.org>",
    "right to left": "MARKER\u202egnp.exe\u2066\u200f",
    "controls": "\x00\x07\x1b[31mMARKER\r\n\x85",
    "xml": "]]>&#0;<testsuite>MARKER",
    "long word": "MARKER" + "W" * 10_000,
    "long text": "MARKER " + "w " * 5_000,
}
_INVISIBLE = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\x00-\x08\x0b\x0c\x0e-\x1f]")


def attacked(text: str) -> Sample:
    """A report with this in every field that is not ours."""
    base = a_report(())
    findings = tuple(
        a_finding(
            check_id,
            text,
            message=text,
            title=text,
            remediation=text,
            rationale=text,
            reference=text,
            protocol=text,
            resolution_note=text,
            evidence={text: [text, {text: text}]},
            status="accepted_risk",
        )
        for check_id in CHECKS[:3]
    )
    document = replace(
        base.document,
        organization_name=text,
        scan=replace(base.document.scan, name=text, config={text: text}),
        options=replace(base.document.options, title=text[:160]),
        branding=replace(base.document.branding, footer=text, classification=text[:40]),
    )
    rows = ReportRows(
        findings, (ReportAsset(text, text, text, reason=text),), (NotTested(text, text, text),)
    )
    return replace(base, document=document, rows=rows)


@pytest.fixture(params=list(ATTACKS))
def sample(request: pytest.FixtureRequest) -> Sample:
    return attacked(ATTACKS[request.param])


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data: str) -> None:
        self.text += data


def read_page(content: str) -> _Page:
    page = _Page()
    page.feed(content)
    return page


def test_html_fetches_nothing_and_runs_nothing(sample: Sample) -> None:
    content = sample.render(ReportFormat.HTML).decode()

    page = read_page(content)
    assert page.tags.isdisjoint({"script", "link", "iframe", "object", "form", "base"})
    assert all(one.startswith(("#", "data:image/")) for one in page.addresses)
    assert "MARKER" in page.text
    assert not _INVISIBLE.search(content)


def test_markdown_is_text_when_it_is_shown(sample: Sample) -> None:
    content = sample.render(ReportFormat.MARKDOWN).decode()

    page = read_page(MarkdownIt("commonmark", {"html": True}).enable("table").render(content))
    assert page.tags.isdisjoint({"script", "img", "a", "link", "iframe"})
    assert page.addresses == []
    assert "MARKER" in page.text
    assert not _INVISIBLE.search(content)


def test_a_pdf_has_no_link_outside_and_no_file_in_it(sample: Sample) -> None:
    reader = PdfReader(io.BytesIO(sample.render(ReportFormat.PDF)))

    text = " ".join(page.extract_text() for page in reader.pages)
    links = [str(link.get_object()) for page in reader.pages for link in page.annotations or ()]
    assert "MARKER" in text
    assert "root:" not in text
    assert not [
        link for link in links if "/URI" in link or "/Launch" in link or "/JavaScript" in link
    ]
    assert not reader.attachments


def test_no_cell_of_a_csv_is_a_formula(sample: Sample) -> None:
    content = sample.render(ReportFormat.CSV).decode("utf-8-sig")

    header, *rows = csv.reader(io.StringIO(content, newline=""), strict=True)
    assert len(rows) == 3
    assert all(len(row) == len(header) for row in rows)
    assert not [c for row in rows for c in row if c.lstrip()[:1] in tuple("=+-@|%") and c.strip()]
    assert "MARKER" in content


@pytest.mark.parametrize("format", [ReportFormat.JSON, ReportFormat.SARIF, ReportFormat.OSCAL])
def test_json_formats_stay_json(sample: Sample, format: ReportFormat) -> None:
    content = sample.render(format)

    assert json.loads(content)
    assert b"MARKER" in content


def test_junit_stays_xml(sample: Sample) -> None:
    root = ET.fromstring(sample.render(ReportFormat.JUNIT))  # noqa: S314 - our own

    assert {element.tag for element in root.iter()} <= {
        *("testsuites", "testsuite", "properties", "property", "testcase"),
        *("failure", "skipped", "system-out"),
    }
    assert "MARKER" in str(root.find("testsuite/testcase").attrib)  # pyright: ignore[reportOptionalMemberAccess] - it is there


def test_markdown_escapes_what_has_a_meaning() -> None:
    assert escaped("a|b\n<c> [d](e) `f`") == r"a\|b \<c\> \[d\]\(e\) \`f\`"
