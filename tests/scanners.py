"""Scanners of tests: they satisfy the engine's Protocol and open no socket."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from services.scanner.check import CheckInfo, CheckResult, Endpoint, Verdict
from services.scanner.engine import CATALOGUE
from services.scanner.profile import Profile
from services.scanner.result import Known, TargetResult, TargetStatus
from services.scanner.target import Target

Judge = Callable[[Target], Sequence[CheckResult]]


def check(id: str) -> CheckInfo:
    return CATALOGUE[id]


def at(target: Target, id: str, verdict: Verdict, *, port: int = 443) -> CheckResult:
    """A verdict at the TLS port of a target."""
    return CheckResult(check(id), Endpoint(target.value, port, "tls"), verdict)


def _nothing(_target: Target) -> Sequence[CheckResult]:
    return ()


@dataclass
class StubScanner:
    """Answers at once, with the verdicts a test wants; remembers what it was asked."""

    judge: Judge = _nothing
    status: TargetStatus = TargetStatus.EVALUATED
    seen: list[str] = field(default_factory=list[str])
    known: list[Known] = field(default_factory=list[Known])
    """What was open before."""

    async def scan(
        self, target: Target, profile: Profile, known: Collection[Known] = ()
    ) -> TargetResult:
        self.seen.append(target.value)
        self.known.extend(known)
        await asyncio.sleep(0)
        is_evaluated = self.status is TargetStatus.EVALUATED
        return TargetResult(
            target=target,
            status=self.status,
            started_at=datetime.now(UTC),
            duration_ms=1,
            reason="" if is_evaluated else self.status.value,
            addresses=("192.0.2.1",),
            is_alive=is_evaluated,
            open_ports=(443,) if is_evaluated else (),
            checks=tuple(self.judge(target)) if is_evaluated else (),
        )


@dataclass
class HangingScanner:
    """Never answers; says when it was asked, and counts who was let go."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: int = 0

    async def scan(
        self, target: Target, profile: Profile, known: Collection[Known] = ()
    ) -> TargetResult:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        raise AssertionError("an event nobody sets was set")


class BrokenScanner:
    """Has a bug."""

    async def scan(
        self, target: Target, profile: Profile, known: Collection[Known] = ()
    ) -> TargetResult:
        raise ZeroDivisionError("a bug in the scanner")
