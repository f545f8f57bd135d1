"""What is known of one target while it is being scanned, and the result made of it."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from services.scanner.bounds import bounded
from services.scanner.check import CheckResult, Endpoint, Outcome
from services.scanner.http import WebFacts
from services.scanner.net.facts import PortFacts, Service
from services.scanner.result import TargetResult, TargetStatus
from services.scanner.target import Target

TIME_LIMIT = "time limit reached"

NotEvaluated = Callable[[Endpoint, str], tuple[CheckResult, ...]]
"""The results of a suite that did not get to an end, for an endpoint and a reason."""


@dataclass(slots=True)
class Record:
    """Grows while the target is looked at; whatever is in it when time is up still counts."""

    target: Target
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started_s: float = field(default_factory=time.monotonic)
    status: TargetStatus = TargetStatus.EVALUATED
    reason: str = ""
    addresses: tuple[str, ...] = ()
    ports: PortFacts | None = None
    services: dict[int, Service] = field(default_factory=dict[int, Service])
    sites: dict[Endpoint, WebFacts] = field(default_factory=dict[Endpoint, WebFacts])
    """Web endpoints whose root was seen, to be looked at again."""
    secrets_found: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    """Masked."""
    info: dict[str, dict[str, Any]] = field(  # Any: JSON objects
        default_factory=lambda: {
            "http": {},
            "https": {},
            "tls": {},
            "dns": {},
            "mail": {},
            "ssh": {},
            "registration": {},
        }
    )
    """By suite."""
    checks: list[CheckResult] = field(default_factory=list[CheckResult])
    errors: list[str] = field(default_factory=list[str])
    unfinished: dict[tuple[str, Endpoint], NotEvaluated] = field(
        default_factory=dict[tuple[str, Endpoint], NotEvaluated]
    )
    """Suites that are under way, by name and endpoint."""

    @property
    def host(self) -> str:
        return self.target.value

    def downgrade(self, status: TargetStatus, reason: str) -> None:
        """Say why the target was not evaluated, or not wholly; the first reason stays."""
        if self.status is TargetStatus.EVALUATED:
            self.status, self.reason = status, reason

    def stop_unfinished(self, reason: str) -> None:
        """Give up on what is under way: its checks are not evaluated."""
        for (_, endpoint), not_evaluated in self.unfinished.items():
            self.checks.extend(not_evaluated(endpoint, reason))
        self.unfinished.clear()

    def conclude(self, results: Iterable[CheckResult]) -> None:
        """Add verdicts where no check has come to one itself."""
        decided = {
            (result.check.id, result.endpoint)
            for result in self.checks
            if result.verdict.outcome is not Outcome.NOT_EVALUATED
        }
        self.checks.extend(r for r in results if (r.check.id, r.endpoint) not in decided)

    def result(self) -> TargetResult:
        return bounded(
            TargetResult(
                target=self.target,
                status=self.status,
                started_at=self.started_at,
                duration_ms=round((time.monotonic() - self.started_s) * 1000),
                reason=self.reason,
                addresses=self.addresses,
                is_alive=self.ports is not None and self.ports.is_alive,
                open_ports=self.ports.open_ports if self.ports is not None else (),
                services=tuple(service.as_info() for _, service in sorted(self.services.items())),
                http_info={**self.info["http"], **self.info["https"]},
                tls_info=self.info["tls"],
                dns_info=self.info["dns"],
                mail_info=self.info["mail"],
                ssh_info=self.info["ssh"],
                whois_info=self.info["registration"],
                secrets_found=tuple(self.secrets_found),
                checks=tuple(self.checks),
                errors=tuple(self.errors),
            )
        )
