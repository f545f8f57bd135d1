"""File names and types of reports."""

from datetime import datetime, timedelta, timezone

import pytest

from services.rendering.formats import REPORT_FORMATS, ReportFormat, filename
from tests.unit.rendering.samples import NOON, a_report, findings_of


def test_every_format_has_a_type() -> None:
    assert set(REPORT_FORMATS) == set(ReportFormat)


def test_a_file_name_holds_the_scan_and_the_utc_time() -> None:
    there = datetime(2026, 11, 23, 14, 0, tzinfo=timezone(timedelta(hours=2)))

    assert filename("Weekly", NOON, ReportFormat.PDF) == "nis2_report_Weekly_20261123_120000.pdf"
    assert filename("Weekly", there, ReportFormat.CSV) == "nis2_report_Weekly_20261123_120000.csv"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "etc_passwd"),
        ('a"; filename="b', "a_filename_b"),
        ("Łódź / Zürich", "odz_Zurich"),
        ("line\r\nbreak: x", "line_break_x"),
        ("Москва", "scan"),
        ("", "scan"),
        ("x" * 300, "x" * 80),
    ],
)
def test_a_file_name_is_safe_whatever_the_scan_is_called(name: str, safe: str) -> None:
    got = filename(name, NOON, ReportFormat.JSON)

    assert got == f"nis2_report_{safe}_20261123_120000.json"


@pytest.mark.parametrize("format", list(ReportFormat))
def test_the_same_report_has_the_same_bytes(format: ReportFormat) -> None:
    sample = a_report(findings_of(30))

    assert sample.render(format) == sample.render(format)


@pytest.mark.parametrize("format", [f for f in ReportFormat if f is not ReportFormat.PDF])
def test_reports_made_at_two_times_differ_in_the_stamp_alone(format: ReportFormat) -> None:
    later = NOON.replace(year=2031)
    first, second = (
        a_report(findings_of(30), generated_at=at).render(format).decode() for at in (NOON, later)
    )

    lines = list(zip(first.splitlines(), second.splitlines(), strict=True))
    changed = [(one, other) for one, other in lines if one != other]
    assert len(changed) <= 2
    # The id of an OSCAL document changes with it, as NIST asks.
    assert all("2026" in one or '"uuid"' in one for one, _ in changed)
