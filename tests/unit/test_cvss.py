"""CVSS 3.1 base scores against published examples."""

import pytest

from services.scanner.cvss import base_score


@pytest.mark.parametrize(
    ("vector", "score"),
    [
        ("AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
        ("AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:N", 7.4),
        ("AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:L/A:N", 4.2),
        ("AV:N/AC:H/PR:N/UI:R/S:C/C:L/I:L/A:N", 4.7),
        ("AV:N/AC:L/PR:N/UI:N/S:C/C:N/I:N/A:L", 5.8),
        ("AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 7.8),
        ("AV:P/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:N", 0.0),
    ],
)
def test_a_vector_has_its_published_score(vector: str, score: float) -> None:
    assert base_score(f"CVSS:3.1/{vector}") == score


@pytest.mark.parametrize("vector", ["", "CVSS:2.0/AV:N", "AV:N/AC:L"])
def test_what_is_no_vector_is_refused(vector: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        base_score(vector)
