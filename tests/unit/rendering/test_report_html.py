"""The HTML report: self-contained, complete and inert."""

from html.parser import HTMLParser

from services.compliance import DISCLAIMER
from services.rendering.formats import ReportFormat
from tests.unit.rendering.hostile import a_hostile_report
from tests.unit.rendering.samples import a_report, findings_of


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            if name in {"src", "href"}:
                self.links.append(value or "")
            if name == "id":
                self.ids.add(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def read(content: bytes) -> Reader:
    reader = Reader()
    reader.feed(content.decode())
    return reader


def test_every_finding_and_every_letter_is_there() -> None:
    sample = a_report(findings_of(40))

    page = read(sample.render(ReportFormat.HTML))

    assert all(finding.message in page.text for finding in sample.findings)
    assert all(row["title"] in page.text for row in sample.document.compliance_matrix.values())
    assert DISCLAIMER in page.text
    assert "The OCSP responder did not answer" in page.text
    assert {link[1:] for link in page.links if link.startswith("#")} <= page.ids


def test_nothing_is_fetched_and_nothing_runs() -> None:
    page = read(a_hostile_report().render(ReportFormat.HTML))

    assert "script" not in page.tags
    assert all(link.startswith(("#", "data:image/svg+xml;base64,")) for link in page.links)
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7*7 }}" in page.text
    assert "\x00" not in page.text
    assert "\u202e" not in page.text


def test_a_scan_that_saw_nothing_says_so() -> None:
    page = read(a_report(()).render(ReportFormat.HTML))

    assert "Nothing could be evaluated, so there is no number." in page.text
    assert "No problem was found in what was tested." in page.text
