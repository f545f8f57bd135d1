"""Many targets at once, for ``nis2 scan``."""

import asyncio
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from services.scanner.engine import NetworkScanner, open_context
from services.scanner.net.verdicts import without_sweep
from services.scanner.profile import Profile
from services.scanner.result import Scanner, TargetResult, TargetStatus
from services.scanner.target import Target
from services.settings import ScanSettings

_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Asked:
    """A target as it was typed, what it means, and the one port that is meant, if one was named."""

    text: str
    target: Target
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Scanned:
    """A target as it was typed, and what was seen of one host it stands for."""

    asked: str
    result: TargetResult


class Watcher(Protocol):
    """Hears of each host when its scan begins, and when it ends."""

    def began(self, target: Target) -> None: ...
    def ended(self, scanned: Scanned) -> None: ...


async def scan_all(
    settings: ScanSettings,
    asked: Sequence[Asked],
    profile: Profile,
    watcher: Watcher | None = None,
) -> Sequence[Scanned]:
    """The results in the order of the targets. Raises DataFileError."""
    hosts = enumerate(_hosts(asked))
    done: dict[int, Scanned] = {}

    async def work(scanner: Scanner) -> None:
        for position, one in hosts:
            if watcher is not None:
                watcher.began(one.target)
            ports = () if one.port is None else (one.port,)
            result = await _scan(scanner, one.target, replace(profile, ports=ports))
            done[position] = Scanned(one.text, result)
            if watcher is not None:
                watcher.ended(done[position])

    async with open_context(settings.probe_options(), settings.address_policy()) as context:
        scanner = NetworkScanner(context)
        async with asyncio.TaskGroup() as workers:
            for _ in range(_AT_ONCE):
                workers.create_task(work(scanner))
    return [scanned for _, scanned in sorted(done.items())]


def _hosts(asked: Sequence[Asked]) -> Iterator[Asked]:
    """Every single host once, and once for each port of it that was named.

    Lazily: a network may have 65,536 of them.
    """
    seen: set[tuple[Target, int | None]] = set()
    for one in asked:
        for host in one.target.hosts():
            if (host, one.port) not in seen:
                seen.add((host, one.port))
                yield replace(one, target=host)


async def _scan(scanner: Scanner, host: Target, profile: Profile) -> TargetResult:
    try:
        return await scanner.scan(host, profile)
    except Exception:  # noqa: BLE001 - outermost loop of a target: a bug must not lose the others
        traceback.print_exc()  # on the error stream: the output may be JSON
        reason = "the scanner failed here, through no fault of the target: please report it"
        checks = tuple(without_sweep(host.value, reason))  # so that it is not silently missing
        return TargetResult(
            host, TargetStatus.SKIPPED, datetime.now(UTC), 0, reason=reason, checks=checks
        )
