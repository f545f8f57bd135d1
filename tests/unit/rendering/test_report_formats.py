"""File names and types of reports."""

from datetime import datetime, timedelta, timezone

import pytest

from services.rendering.formats import REPORT_FORMATS, ReportFormat, filename
from tests.unit.rendering.samples import NOON


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
