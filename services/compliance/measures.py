"""The measures of NIS2 Article 21(2), a to j, and the points of the annex that detail them.

The points come from ``annex_2024_2690.json``; every text here is a paraphrase in our own words.
Only the Official Journal is authoritative: Directive (EU) 2022/2555, Regulation (EU) 2024/2690.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

DISCLAIMER = (
    "This is a technical observation from outside at the stated time. It covers the points marked; "
    "points marked manual were not examined. Absence of findings is not compliance. It does not "
    "replace a risk assessment, an audit or legal advice."
)
"""Every matrix and every report carries it."""


class EvidenceClass(StrEnum):
    """What a check can say about a point of the annex. None of them proves it fulfilled."""

    STRONG = "S"
    """A failed check is by itself evidence against the point."""
    INDICATIVE = "I"
    """A failed check is a hint that needs a person."""
    PROCESS = "P"
    """Using the platform leaves the record that the point asks for; no check can show it."""
    MANUAL = "M"
    """Nothing about it can be seen from outside."""

    @property
    def is_observable(self) -> bool:
        return self in {EvidenceClass.STRONG, EvidenceClass.INDICATIVE}


@dataclass(frozen=True, slots=True)
class Measure:
    """One letter of Article 21(2)."""

    letter: str
    title: str
    description: str
    is_manual: bool
    """True: nothing a scan sees may be counted for this letter."""
    limits: str
    """What was not looked at, in words fit for a report."""

    @property
    def key(self) -> str:
        """The key of the compliance matrix."""
        return f"art21_{self.letter}"


@dataclass(frozen=True, slots=True)
class AnnexPoint:
    """One of the 53 points of the annex of Regulation (EU) 2024/2690."""

    id: str
    heading: str
    letters: tuple[str, ...]
    """The first one is where a check of this point is counted."""
    evidence_class: EvidenceClass
    iso_27001: tuple[str, ...]
    """Numbers of ISO/IEC 27001:2022; without ``A.`` they are clauses."""
    csf_2: tuple[str, ...]
    """NIST CSF 2.0."""
    cis_8: tuple[str, ...]
    """CIS Controls 8.1, our own mapping."""


MEASURES: tuple[Measure, ...] = (
    Measure(
        "a",
        "Risk analysis and security policies",
        "Policies on risk analysis and on the security of information systems.",
        is_manual=True,
        limits="Policies, risk analyses and decisions are documents; a scan cannot read them.",
    ),
    Measure(
        "b",
        "Incident handling",
        "Preventing, detecting, analysing and containing incidents, and recovering from them.",
        is_manual=True,
        limits="Detection, logging and response happen inside; nothing about them was examined.",
    ),
    Measure(
        "c",
        "Business continuity and crisis management",
        "Backups, disaster recovery and crisis management.",
        is_manual=False,
        limits=(
            "Only redundancy visible from outside was looked at. Backups, restore tests, "
            "continuity plans and crisis management were not."
        ),
    ),
    Measure(
        "d",
        "Supply chain security",
        "Security in the relations with direct suppliers and service providers.",
        is_manual=False,
        limits=(
            "Only third parties that public services depend on were looked at. Contracts, audits "
            "and the suppliers' own measures were not."
        ),
    ),
    Measure(
        "e",
        "Secure acquisition, development and maintenance",
        "Security of systems from purchase to maintenance, with vulnerability handling and "
        "disclosure.",
        is_manual=False,
        limits=(
            "Services reachable from outside were looked at. Internal systems, development "
            "process, patch records and change control were not."
        ),
    ),
    Measure(
        "f",
        "Assessing the effectiveness of measures",
        "Policies and procedures that show whether the measures work.",
        is_manual=True,
        limits="Repeated scans are one input; choice of measures and their review is a decision.",
    ),
    Measure(
        "g",
        "Cyber hygiene and training",
        "Basic cyber hygiene practices and training of staff.",
        is_manual=True,
        limits="This is about people; nothing about it can be seen from outside.",
    ),
    Measure(
        "h",
        "Cryptography",
        "Policies and procedures on cryptography and, where appropriate, encryption.",
        is_manual=False,
        limits=(
            "Encryption in transit and certificates of public services were looked at. Data at "
            "rest, internal links, key storage and the policy were not."
        ),
    ),
    Measure(
        "i",
        "Human resources, access control and assets",
        "Security of human resources, access control policies and asset management.",
        is_manual=False,
        limits=(
            "Exposed administration systems, unauthenticated services and undeclared hosts were "
            "looked at. Staff, access rights and the internal inventory were not."
        ),
    ),
    Measure(
        "j",
        "Multi-factor authentication and secured communication",
        "Multi-factor or continuous authentication, secured voice, video, text and emergency "
        "communication.",
        is_manual=True,
        limits=(
            "Multi-factor authentication cannot be observed without credentials, and none were "
            "used. Mail transport is counted under letter (e)."
        ),
    ),
)

MEASURE_BY_LETTER: Mapping[str, Measure] = MappingProxyType({m.letter: m for m in MEASURES})


@cache
def annex_points() -> Mapping[str, AnnexPoint]:
    """All points by id, in the order of the annex."""
    return MappingProxyType(
        {
            entry["id"]: AnnexPoint(
                id=entry["id"],
                heading=entry["heading"],
                letters=tuple(entry["letters"]),
                evidence_class=EvidenceClass(entry["evidence_class"]),
                iso_27001=tuple(entry["iso_27001"]),
                csf_2=tuple(entry["csf_2"]),
                cis_8=tuple(entry["cis_8"]),
            )
            for entry in _annex()["points"]
        }
    )


def point_of(reference: str) -> AnnexPoint:
    """The point that a citation belongs to: ``9.2(c)(v)`` and ``9.2`` give 9.2.

    Raises KeyError for a number that the annex does not have (there is no 5.3, 7.4, 8.3 or 9.4).
    """
    match = _REFERENCE.match(reference)
    if match is None:
        raise KeyError(reference)
    return annex_points()[match[0]]


def letter_of_point(reference: str) -> str:
    """The letter of Article 21(2) that a check with this primary point is counted under."""
    return point_of(reference).letters[0]


_REFERENCE = re.compile(r"\d{1,2}\.\d{1,2}(?![0-9])")


@cache
def _annex() -> Mapping[str, Any]:  # Any: a JSON document of ours
    text = files("services.compliance").joinpath("annex_2024_2690.json").read_text(encoding="utf-8")
    return json.loads(text)


LEGAL_DATA_VERSION: str = _annex()["version"]
"""Of the annex data; printed with every report."""
