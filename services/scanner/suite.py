"""A suite: one probe and the checks that judge what it saw."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from services.scanner.check import Check, CheckResult, Endpoint, Verdict

if TYPE_CHECKING:  # checks know their suite, and must not reach a socket through it
    from services.scanner.context import ProbeContext

Subject = TypeVar("Subject")
Facts = TypeVar("Facts")


class ProbeError(Exception):
    """What a target did that keeps a probe from seeing. The message is fit for a report."""


@dataclass(frozen=True, slots=True)
class SuiteResult(Generic[Facts]):
    """What a suite saw and concluded; ``facts`` is None when the probe could not look."""

    facts: Facts | None
    results: tuple[CheckResult, ...]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Suite(Generic[Subject, Facts]):
    """Generic in the facts: a check wired to the wrong probe is a type error."""

    name: str
    probe: Callable[["ProbeContext", Subject], Awaitable[Facts]]
    checks: tuple[Check[Facts], ...]

    async def run(
        self, context: "ProbeContext", subject: Subject, endpoint: Endpoint
    ) -> SuiteResult[Facts]:
        """Look, then judge. What the target did becomes ``not_evaluated``; our own bugs raise."""
        try:
            facts = await self.probe(context, subject)
        except (ProbeError, OSError, TimeoutError, EOFError) as error:
            reason = str(error) or type(error).__name__
            return SuiteResult(None, self.without_facts(endpoint, reason), reason)
        return SuiteResult(facts, self.judge(facts, endpoint))

    def judge(self, facts: Facts, endpoint: Endpoint) -> tuple[CheckResult, ...]:
        return tuple(CheckResult(c.info, endpoint, c.judge(facts)) for c in self.checks)

    def without_facts(self, endpoint: Endpoint, reason: str) -> tuple[CheckResult, ...]:
        verdict = Verdict.not_evaluated(reason)
        return tuple(CheckResult(c.info, endpoint, verdict) for c in self.checks)
