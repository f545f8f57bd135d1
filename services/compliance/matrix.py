"""The compliance matrix: what a scan saw for each letter and each point of the annex.

Never "compliant": the best that can be said is that no contrary evidence was found in what was
tested (nis2 status vocabulary).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from services.compliance.measures import (
    DISCLAIMER,
    LEGAL_DATA_VERSION,
    MEASURES,
    AnnexPoint,
    EvidenceClass,
    Measure,
    annex_points,
)
from services.compliance.score import one_decimal, whole
from services.compliance.tally import Tallies, Tally
from services.scanner.check import Severity
from services.translations import N_

Json = dict[str, Any]  # Any: a JSON object, ready for the database and both doors


class MatrixStatus(StrEnum):
    MANUAL = "manual"
    """Not a question for a scan; a person must answer it."""
    NOT_EVALUATED = "not_evaluated"
    """Nothing could be tested."""
    PARTIALLY_EVALUATED = "partially_evaluated"
    """Nothing was found, but some checks did not run."""
    NO_CONTRARY_EVIDENCE = "no_contrary_evidence"
    ATTENTION = "attention"
    """The worst open problem is low or medium."""
    GAP_INDICATED = "gap_indicated"
    """The worst open problem is high or critical."""


_BAD = {
    Severity.CRITICAL: MatrixStatus.GAP_INDICATED,
    Severity.HIGH: MatrixStatus.GAP_INDICATED,
    Severity.MEDIUM: MatrixStatus.ATTENTION,
    Severity.LOW: MatrixStatus.ATTENTION,
}

POINT_NOTES: Mapping[EvidenceClass, str] = {
    EvidenceClass.STRONG: N_(
        "A failed check is evidence against this point; passed checks do not prove it."
    ),
    EvidenceClass.INDICATIVE: N_("A failed check is a hint that a person must judge."),
    EvidenceClass.PROCESS: N_(
        "Using the platform leaves records for this point; a scan cannot show it fulfilled."
    ),
    EvidenceClass.MANUAL: N_("Cannot be observed from outside; was not examined."),
}


def compliance_matrix(tallies: Tallies, attestations: Mapping[str, Json]) -> Json:
    """Keys ``art21_a`` to ``art21_j``, each with status, counts, coverage, score and points.

    What people attest, by letter or point, stands beside the status and never changes it.
    """
    return {measure.key: _letter(measure, tallies, attestations) for measure in MEASURES}


def status_of(tally: Tally) -> MatrixStatus:
    """What the tests of a letter or point amount to."""
    if not tally.evaluated:
        return MatrixStatus.NOT_EVALUATED
    if tally.worst is not None and tally.worst in _BAD:
        return _BAD[tally.worst]
    if tally.evaluated < tally.applicable:
        return MatrixStatus.PARTIALLY_EVALUATED
    return MatrixStatus.NO_CONTRARY_EVIDENCE


def _letter(measure: Measure, tallies: Tallies, attestations: Mapping[str, Json]) -> Json:
    tally = Tally() if measure.is_manual else tallies.letters.get(measure.letter, Tally())
    return {
        "letter": measure.letter,
        "title": measure.title,
        "description": measure.description,
        "status": (MatrixStatus.MANUAL if measure.is_manual else status_of(tally)).value,
        **_numbers(tally),
        "points": [
            _point(point, tallies, attestations)
            for point in annex_points().values()
            if _stands_under(point, measure.letter)
        ],
        "limits": measure.limits,
        "disclaimer": DISCLAIMER,
        "legal_data_version": LEGAL_DATA_VERSION,
        "attestation": attestations.get(measure.letter),
    }


def _stands_under(point: AnnexPoint, letter: str) -> bool:
    """A point that a scan can see stands under its first letter only: it is counted once."""
    if point.evidence_class.is_observable:
        return letter == point.letters[0]
    return letter in point.letters


def _point(point: AnnexPoint, tallies: Tallies, attestations: Mapping[str, Json]) -> Json:
    is_observable = point.evidence_class.is_observable
    tally = tallies.points.get(point.id, Tally()) if is_observable else Tally()
    return {
        "point": point.id,
        "heading": point.heading,
        "letters": list(point.letters),
        "status": (status_of(tally) if is_observable else MatrixStatus.MANUAL).value,
        "evidence_class": point.evidence_class.value,
        **_numbers(tally),
        "note": POINT_NOTES[point.evidence_class],
        "iso_27001": list(point.iso_27001),
        "csf_2": list(point.csf_2),
        "cis_8": list(point.cis_8),
        "attestation": attestations.get(point.id),
    }


def _numbers(tally: Tally) -> Mapping[str, Any]:  # Any: as in Json
    score, lower = tally.score, tally.score_lower
    return {
        "counts": {severity.value: count for severity, count in tally.failed.items()},
        "coverage": {
            "checks_applicable": tally.applicable,
            "checks_evaluated": tally.evaluated,
        },
        "score": None if score is None else whole(score),
        "score_exact": None if score is None else one_decimal(score),
        "score_lower": None if lower is None else whole(lower),
    }
