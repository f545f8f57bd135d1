"""How values are put into words for people, in the report's language. No markup here."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from services.scanner.check import Severity
from services.translations import N_, Translator

DASH = "\N{EN DASH}"
"""Stands where there is nothing to print."""

SEVERITIES: Mapping[Severity, str] = {
    Severity.CRITICAL: N_("critical"),
    Severity.HIGH: N_("high"),
    Severity.MEDIUM: N_("medium"),
    Severity.LOW: N_("low"),
    Severity.INFO: N_("info"),
}
MATRIX_STATUSES: Mapping[str, str] = {
    "manual": N_("Manual"),
    "not_evaluated": N_("Not evaluated"),
    "partially_evaluated": N_("Partly evaluated"),
    "no_contrary_evidence": N_("No contrary evidence"),
    "attention": N_("Attention"),
    "gap_indicated": N_("Gap indicated"),
}
EVIDENCE_CLASSES: Mapping[str, str] = {
    "S": N_("strong"),
    "I": N_("indicative"),
    "P": N_("process"),
    "M": N_("manual"),
}
FINDING_STATUSES: Mapping[str, str] = {
    "open": N_("open"),
    "acknowledged": N_("acknowledged"),
    "in_progress": N_("in progress"),
    "resolved": N_("resolved"),
    "accepted_risk": N_("accepted risk"),
    "false_positive": N_("false positive"),
}
TARGET_STATUSES: Mapping[str, str] = {
    "evaluated": N_("evaluated"),
    "partially_evaluated": N_("partly evaluated"),
    "unreachable": N_("unreachable"),
    "unresolved": N_("unresolved"),
    "blocked": N_("blocked"),
    "skipped": N_("skipped"),
}
SCAN_TYPES: Mapping[str, str] = {
    "full": N_("full"),
    "quick": N_("quick"),
    "custom": N_("custom"),
}
SCAN_STATUSES: Mapping[str, str] = {
    "completed": N_("completed"),
    "failed": N_("failed"),
    "cancelled": N_("cancelled"),
}
DIFFERENCES: Mapping[str, str] = {
    "profile_differs": N_("the type of scan differs"),
    "catalog_version_differs": N_("the catalogue of checks differs"),
    "scoring_version_differs": N_("the scoring differs"),
    "scope_differs": N_("the scope differs"),
}
CONFIGURATION: Mapping[str, str] = {
    "domains": N_("Domains"),
    "ip_ranges": N_("Address ranges"),
    "asset_ids": N_("Assets"),
    "concurrency": N_("Concurrency"),
    "scan_timeout": N_("Time limit of a probe (s)"),
    "max_hosts": N_("Most hosts"),
    "features": N_("Features"),
    "port_scan": N_("ports"),
    "web_checks": N_("web"),
    "dns_checks": N_("DNS"),
    "whois_checks": N_("registration"),
}
_UNPRINTED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_NOT_CONFIGURATION = ("name", "scan_type", "asset_ids")


def printable(text: object, limit: int | None = None) -> str:
    """Without control and direction characters, which print as boxes or turn text around.

    Cut to ``limit`` characters with an ellipsis: a renderer may take seconds for one endless cell.
    """
    kept = "".join(c for c in str(text) if c == "\n" or unicodedata.category(c) not in _UNPRINTED)
    return kept if limit is None or len(kept) <= limit else f"{kept[: limit - 1]}…"


def in_words(identifier: str) -> str:
    return identifier.replace("_", " ")


def evidence_text(evidence: Mapping[str, Any]) -> str:  # Any: a JSON object
    """``key: value; key: value``, in English: for programs' formats."""
    return "; ".join(f"{in_words(key)}: {value}" for key, value in evidence.items())


@dataclass(frozen=True, slots=True)
class Words:
    """The report's language, as templates use it."""

    language: Translator

    def severity(self, severity: Severity) -> str:
        return self.language.text(SEVERITIES[severity])

    def label(self, labels: Mapping[str, str], code: str) -> str:
        """Of a closed set; a code that this version does not know is printed as it is."""
        return self.language.text(labels[code]) if code in labels else in_words(code)

    def matrix_status(self, code: str) -> str:
        return self.label(MATRIX_STATUSES, code)

    def evidence_class(self, code: str) -> str:
        return self.label(EVIDENCE_CLASSES, code)

    def finding_status(self, code: str) -> str:
        return self.label(FINDING_STATUSES, code)

    def target_status(self, code: str) -> str:
        return self.label(TARGET_STATUSES, code)

    def scan_type(self, code: str) -> str:
        return self.label(SCAN_TYPES, code)

    def scan_status(self, code: str) -> str:
        return self.label(SCAN_STATUSES, code)

    def difference(self, code: str) -> str:
        return self.label(DIFFERENCES, code)

    def moment(self, value: datetime | None) -> str:
        """In UTC; a dash where there is none."""
        return DASH if value is None else self.language.moment(value)

    def day(self, value: datetime | None) -> str:
        return DASH if value is None else self.language.day(value)

    def duration(self, seconds: float | None) -> str:
        if seconds is None:
            return DASH
        minutes, rest = divmod(round(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        if hours:
            return f"{hours} h {minutes} min"
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"

    def configuration(self, config: Mapping[str, Any]) -> list[tuple[str, str]]:  # Any: JSON
        """The scan's configuration, without what the cover already says."""
        return [
            (self.label(CONFIGURATION, key), self.value(value))
            for key, value in config.items()
            if key not in _NOT_CONFIGURATION and value not in (None, [], {}, "")
        ]

    def evidence(self, evidence: Mapping[str, Any]) -> str:  # Any: a JSON object
        """``key: value; key: value``."""
        return "; ".join(
            f"{self.language.said(in_words(key))}: {self.value(value)}"
            for key, value in evidence.items()
        )

    def value(self, value: object) -> str:
        match value:
            case bool():
                return self.language.text(N_("yes") if value else N_("no"))
            case dict():
                items = cast("dict[str, object]", value)  # JSON has no other keys
                return ", ".join(
                    f"{self.label(CONFIGURATION, key)} {self.value(item)}"
                    for key, item in items.items()
                )
            case list():
                return ", ".join(self.value(item) for item in cast("list[object]", value))
            case _:
                return str(value)

    def some(self, shown: list[str], total: int) -> str:
        """``a, b and 3 more``."""
        text = ", ".join(shown)
        more = total - len(shown)
        if more <= 0:
            return text
        return self.language.count(
            N_("%(names)s and %(n)s more"), N_("%(names)s and %(n)s more"), more, names=text
        )
