"""CSV for spreadsheets: complete, quoted, and never a formula."""

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rendering.formats import ReportFormat
from services.spreadsheet import bare, guarded
from tests.unit.rendering.hostile import a_hostile_report
from tests.unit.rendering.samples import a_report, findings_of

DOCUMENTED = [
    *("Severity", "Category", "Message", "Target", "Remediation"),
    *("CVSS Score", "CVSS Vector", "Compliance Article", "Status"),
]


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def test_the_documented_columns_come_first_and_every_finding_has_its_row() -> None:
    content = a_report(findings_of(25)).render(ReportFormat.CSV)

    header, *body = rows(content)
    assert content.startswith(b"\xef\xbb\xbf")
    assert header[:9] == DOCUMENTED
    assert len(body) == 25
    assert all(len(row) == len(header) for row in body)
    assert body[0][:4] == [
        "critical",
        "svc",
        "Database answers without a login: seen at host0000.example.org",
        "host0000.example.org",
    ]
    assert body[0][8] == "open"


@pytest.mark.parametrize(
    "value",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "|calc",
        "%0A",
        "  =1",
        "\x00=1",
        "\u00a0=1",
        "\ufeff=1",
        "\u200b=1",
        "\uff1d1",
        "\uff0b1",
        "\tx",
        "\rx",
        "\nx",
    ],
)
def test_a_cell_that_a_spreadsheet_would_calculate_gets_an_apostrophe(value: str) -> None:
    assert guarded(value).startswith("'")


@pytest.mark.parametrize(
    "value", ["", "plain", "a=b", "10.0.0.1", "'quoted'", "Łódź", "two\nlines"]
)
def test_an_ordinary_cell_stays_as_it_is(value: str) -> None:
    assert guarded(value) == value


@given(st.text())
def test_no_cell_starts_a_formula(value: str) -> None:
    safe = guarded(value)

    assert not safe.lstrip().startswith(("=", "+", "-", "@", "|", "%"))


@given(st.text() | st.text(alphabet="'=+a \t\uff1d"))
def test_the_guard_can_be_taken_off_again(value: str) -> None:
    assert bare(guarded(value)) == value


def test_a_report_has_no_control_characters() -> None:
    sample = a_report((replace(findings_of(1)[0], message="a\x00b\x1bc"),))

    assert rows(sample.render(ReportFormat.CSV))[1][2] == "abc"


@given(st.text(alphabet='a"=,;\r\n\t \u0141'))
def test_every_cell_survives_a_round_trip(value: str) -> None:
    sample = a_report((replace(findings_of(1)[0], message=value),))

    assert rows(sample.render(ReportFormat.CSV))[1][2] == guarded(value)


def test_hostile_words_stay_in_their_cells() -> None:
    sample = a_hostile_report()

    header, *body = rows(sample.render(ReportFormat.CSV))

    assert len(body) == len(sample.findings)
    assert all(len(row) == len(header) for row in body)
    assert all(cell[:1] not in tuple("=+-@|%\t\r") for row in body for cell in row if cell)
