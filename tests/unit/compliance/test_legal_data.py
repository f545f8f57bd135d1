"""The legal data: pinned, so that a slip shows."""

import re
from collections import Counter

import pytest

from services.compliance import (
    DISCLAIMER,
    MEASURES,
    EvidenceClass,
    MatrixStatus,
    annex_points,
    letter_of_point,
    point_of,
)
from services.scanner.check import catalogue_entries
from tests.unit.compliance.cases import C, scan

POINTS_PER_SECTION = {1: 2, 2: 3, 3: 6, 4: 3, 5: 2, 6: 10, 7: 3, 8: 2, 9: 3, 10: 4, 11: 7, 12: 5}


def test_the_annex_has_exactly_its_53_points() -> None:
    sections = {**POINTS_PER_SECTION, 13: 3}
    expected = [f"{s}.{n}" for s, count in sections.items() for n in range(1, count + 1)]

    assert list(annex_points()) == expected
    assert len(expected) == 53


def test_evidence_classes_are_as_argued() -> None:
    by_class = {
        kind: {p.id for p in annex_points().values() if p.evidence_class is kind}
        for kind in EvidenceClass
    }

    assert by_class[EvidenceClass.STRONG] == {"6.3", "6.7", "6.10", "9.2", "11.4"}
    assert by_class[EvidenceClass.INDICATIVE] == {
        *("3.3", "4.2", "5.1", "6.1", "6.2", "6.6", "6.8", "11.6", "12.4")
    }
    assert by_class[EvidenceClass.PROCESS] == {"2.1", "2.2", "6.5", "7.2", "12.1"}
    assert len(by_class[EvidenceClass.MANUAL]) == 34


def test_five_letters_are_manual_and_none_is_missing() -> None:
    assert [m.letter for m in MEASURES] == list("abcdefghij")
    assert {m.letter for m in MEASURES if m.is_manual} == set("abfgj")


@pytest.mark.parametrize("phantom", ["5.3", "7.4", "8.3", "9.4", "14.1", "Art. 21", "6", ""])
def test_numbers_that_the_annex_does_not_have_are_refused(phantom: str) -> None:
    with pytest.raises(KeyError):
        point_of(phantom)


@pytest.mark.parametrize(
    ("reference", "point"),
    [("9.2(c)(v),(xii)", "9.2"), ("6.10.2(e)", "6.10"), ("12.4.1", "12.4"), ("6.3", "6.3")],
)
def test_a_citation_leads_to_its_point(reference: str, point: str) -> None:
    assert point_of(reference).id == point


@pytest.mark.parametrize("check_id", sorted(catalogue_entries()))
def test_every_check_has_an_observable_point_and_its_letter(check_id: str) -> None:
    entry = catalogue_entries()[check_id]
    primary = point_of(entry["points"][0])

    assert primary.evidence_class.is_observable
    assert entry["letter"] == letter_of_point(primary.id)
    assert entry["letter"] not in "abfgj"


def test_every_further_point_of_a_check_exists() -> None:
    for entry in catalogue_entries().values():
        for reference in entry["points"]:
            point_of(reference)


def test_the_mapping_does_not_repeat_the_known_mistakes() -> None:
    letters = {entry["id"]: entry["letter"] for entry in catalogue_entries().values()}

    mail = {letter for check_id, letter in letters.items() if check_id.startswith("mail.")}
    assert mail == {"e"}
    assert "g" not in letters.values()


def test_crosswalk_numbers_look_like_those_of_their_frameworks() -> None:
    for point in annex_points().values():
        assert all(
            re.fullmatch(r"A\.[5-8]\.\d{1,2}|\d{1,2}\.\d(\.\d)?", n) for n in point.iso_27001
        )
        assert all(re.fullmatch(r"(GV|ID|PR|DE|RS|RC)\.[A-Z]{2}-\d\d", n) for n in point.csf_2)
        assert all(re.fullmatch(r"\d{1,2}\.\d{1,2}", n) for n in point.cis_8)


def test_the_matrix_speaks_only_its_vocabulary_and_never_of_compliance() -> None:
    matrix = scan([C], []).matrix
    allowed = {status.value for status in MatrixStatus}

    assert list(matrix) == [f"art21_{letter}" for letter in "abcdefghij"]
    assert {row["status"] for row in matrix.values()} <= allowed
    assert {p["status"] for row in matrix.values() for p in row["points"]} <= allowed
    assert "compliant" not in allowed
    assert all(row["disclaimer"] == DISCLAIMER and row["limits"] for row in matrix.values())


def test_every_point_stands_in_the_matrix_and_an_observable_one_once() -> None:
    matrix = scan([]).matrix
    listed = Counter(p["point"] for row in matrix.values() for p in row["points"])

    assert set(listed) == set(annex_points())
    assert all(listed[p.id] == 1 for p in annex_points().values() if p.evidence_class.is_observable)
    assert {"11.1", "11.7"} <= {p["point"] for p in matrix["art21_j"]["points"]}
