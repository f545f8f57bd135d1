"""What a check is: a pure function from facts to a verdict, with its metadata beside it.

Severity, CVSS vector, annex points and Article 21(2) letter of a check come from
``catalogue.json``; its reasons, remedy and sources stand above the function that judges.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Generic, Self, TypeVar

Facts = TypeVar("Facts")

CATALOGUE_VERSION = "2026.11.1"
"""Changes whenever a check is added or judges differently; stored with each scan."""

Evidence = Mapping[str, Any]  # Any: what a JSON document may hold


class Severity(StrEnum):
    """From worst to mildest; ``rank`` is 0 for critical and 4 for info."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        return _RANK[self]

    @classmethod
    def of_rank(cls, rank: int) -> "Severity":
        return _BY_RANK[rank]


_BY_RANK = tuple(Severity)
_RANK = {severity: rank for rank, severity in enumerate(_BY_RANK)}


class Outcome(StrEnum):
    """Three values: what could not be seen is neither good nor bad."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_EVALUATED = "not_evaluated"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing a check found wrong at one endpoint.

    ``discriminator`` tells two problems of one check at one endpoint apart (a cookie's name, a
    path) and is part of a finding's identity: never a message, a date or a count.
    """

    message: str
    discriminator: str = ""
    severity: Severity | None = None
    """None: the severity of the check."""
    evidence: Evidence = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check concluded from the facts of one endpoint."""

    outcome: Outcome
    reason: str
    problems: tuple[Problem, ...] = ()
    is_applicable: bool = True
    """False: the question makes no sense here (HSTS for an address), so it is not "missing"."""

    @classmethod
    def passed(cls, reason: str) -> Self:
        return cls(Outcome.PASSED, reason)

    @classmethod
    def failed(
        cls,
        message: str,
        *,
        discriminator: str = "",
        severity: Severity | None = None,
        evidence: Evidence | None = None,
    ) -> Self:
        return cls.failed_each((Problem(message, discriminator, severity, evidence or {}),))

    @classmethod
    def failed_each(cls, problems: tuple[Problem, ...]) -> Self:
        """Several problems at once; at least one."""
        if not problems:
            raise ValueError("a failed verdict needs a problem")
        return cls(Outcome.FAILED, "; ".join(p.message for p in problems)[:500], problems)

    @classmethod
    def not_evaluated(cls, reason: str) -> Self:
        """The facts needed could not be had; ``reason`` says why, in words fit for a report."""
        return cls(Outcome.NOT_EVALUATED, reason)

    @classmethod
    def not_applicable(cls, reason: str) -> Self:
        return cls(Outcome.NOT_EVALUATED, reason, is_applicable=False)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a check looked. ``host`` is the name where there is one, else the address."""

    host: str
    port: int | None = None
    protocol: str = "host"
    """``host``, ``tcp``, ``udp``, ``tls``, ``ssh``, ``http``, ``https``, ``dns``, ``mail``: part of
    the identity."""

    def __str__(self) -> str:
        if self.port is None:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class CheckInfo:
    """Everything that is the same for each finding of a check."""

    id: str
    title: str
    severity: Severity
    cvss_vector: str | None
    points: tuple[str, ...]
    """Points of the annex of Regulation (EU) 2024/2690; the first is the primary one."""
    letter: str
    """NIS2 Article 21(2), a to j; follows from the primary point."""
    rationale: str
    remediation: str
    sources: tuple[str, ...]

    @property
    def category(self) -> str:
        """The area: ``tls``, ``http``, ``dns``, ``mail``, ``net``, ``svc``, ``ssh``."""
        return self.id.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Check(Generic[Facts]):
    info: CheckInfo
    judge: Callable[[Facts], Verdict]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check's verdict at one endpoint."""

    check: CheckInfo
    endpoint: Endpoint
    verdict: Verdict


@cache
def catalogue_entries() -> Mapping[str, Mapping[str, Any]]:
    """Every check the platform knows, by id, as ``catalogue.json`` has it."""
    text = files("services.scanner").joinpath("catalogue.json").read_text(encoding="utf-8")
    return {entry["id"]: entry for entry in json.loads(text)}


def check(
    id: str, *, rationale: str, remediation: str, sources: tuple[str, ...]
) -> Callable[[Callable[[Facts], Verdict]], Check[Facts]]:
    """Make a check of a pure function. ``id`` is for ever: old findings refer to it.

    Raises KeyError for an id that the catalogue does not have.
    """
    entry = catalogue_entries()[id]
    info = CheckInfo(
        id=id,
        title=entry["title"],
        severity=Severity(entry["severity"]),
        cvss_vector=entry["cvss"],
        points=tuple(entry["points"]),
        letter=entry["letter"],
        rationale=rationale,
        remediation=remediation,
        sources=sources,
    )
    return lambda judge: Check(info, judge)
