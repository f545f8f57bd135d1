"""What ``nis2 scan`` shows: a table for people, JSON for programs."""

import json
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from gateway.scan_run import Scanned, Watcher
from services.scanner.check import CheckResult, Outcome, Problem, Severity
from services.scanner.result import TargetStatus
from services.scanner.target import Target
from services.scanner.text import clean

_STYLES = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}
_LONGEST_MESSAGE = 300
_FILE_WIDTH = 160
"""Columns where no terminal says how many it has."""
_PLACES_NAMED = 2
_TARGETS_NAMED = 20
"""Targets that could not be evaluated are named up to this number, and then counted."""


class _Bar:
    """Hears of each target as it begins and ends; for a terminal."""

    def __init__(self, bar: Progress, total: int) -> None:
        self._bar = bar
        self._task = bar.add_task("scan", total=total, found="", target="")
        self._counts: Counter[Severity] = Counter()
        self._under_way: list[Target] = []

    def began(self, target: Target) -> None:
        self._under_way.append(target)
        self._show()

    def ended(self, scanned: Scanned) -> None:
        self._under_way.remove(scanned.result.target)
        self._counts.update(severity for severity, _, _ in _problems([scanned]))
        self._bar.advance(self._task)
        self._show()

    def _show(self) -> None:
        shown = ", ".join(str(target) for target in self._under_way[:1])
        more = f" and {len(self._under_way) - 1} more" if len(self._under_way) > 1 else ""
        self._bar.update(self._task, target=shown + more, found=_counted(self._counts))


@contextmanager
def progress(total: int) -> Generator[Watcher]:
    """A bar on the error stream, on a terminal only."""
    console = Console(stderr=True)
    columns = (
        TextColumn("Scanning"),
        BarColumn(20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[bold]{task.fields[found]}"),
        TextColumn("{task.fields[target]}", markup=False, style="dim"),
    )
    is_hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=is_hidden) as bar:
        yield _Bar(bar, total)


def verdicts_as_json(results: Sequence[Scanned]) -> str:
    """One object for each verdict, and for each problem of a failed one."""
    objects = [entry for scanned in results for entry in _entries(scanned)]
    return json.dumps(objects, indent=1, ensure_ascii=False, default=str)


def has_finding(results: Sequence[Scanned], threshold: Severity) -> bool:
    """Whether something is as bad as the threshold, or worse."""
    return any(severity.rank <= threshold.rank for severity, _, _ in _problems(results))


def was_looked_at(scanned: Scanned) -> bool:
    """Whether anything came of it but the reason why nothing did."""
    return scanned.result.status in {TargetStatus.EVALUATED, TargetStatus.PARTIALLY_EVALUATED}


def print_report(results: Sequence[Scanned], *, is_whole: bool = False) -> None:
    """Findings from worst to mildest, then what could not be looked at, then the count.

    Facts of severity info that many places share are one line unless ``is_whole``.
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=_FILE_WIDTH)
    groups: dict[Severity, list[_Found]] = defaultdict(list)
    for found in _problems(results):
        groups[found[0]].append(found)
    for severity in Severity:
        if severity in groups:
            console.print(Text(f" {severity.value} ({len(groups[severity])}) ", _STYLES[severity]))
            is_short = severity is Severity.INFO and not is_whole
            console.print(Padding(_table(groups[severity], is_short=is_short), (0, 0, 1, 2)))
    _print_unseen(console, results)
    console.print(Text(_summary(results, groups)), soft_wrap=True)


_Found = tuple[Severity, CheckResult, Problem]


def _problems(results: Sequence[Scanned]) -> Iterator[_Found]:
    for scanned in results:
        for check in scanned.result.checks:
            for problem in check.verdict.problems:
                yield problem.severity or check.check.severity, check, problem


def _table(problems: Sequence[_Found], *, is_short: bool) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column("Where", no_wrap=not is_short, ratio=2 if is_short else None)
    table.add_column("Check", no_wrap=True)
    table.add_column("What", overflow="fold", ratio=3)
    for where, check_id, what in _short(problems) if is_short else _lines(problems):
        # Text, not markup: a target may have put brackets into it.
        table.add_row(Text(where), Text(check_id, style="dim"), Text(what))
    return table


def _lines(problems: Sequence[_Found]) -> Iterator[tuple[str, str, str]]:
    for _, result, problem in sorted(problems, key=lambda f: (str(f[1].endpoint), f[1].check.id)):
        where = clean(str(result.endpoint), 100)
        yield where, result.check.id, clean(problem.message, _LONGEST_MESSAGE)


def _short(problems: Sequence[_Found]) -> Iterator[tuple[str, str, str]]:
    """One line for each check that fails at many places."""
    by_check: dict[str, list[_Found]] = defaultdict(list)
    for found in problems:
        by_check[found[1].check.id].append(found)
    for check_id, found in sorted(by_check.items()):
        if len(found) <= _PLACES_NAMED:
            yield from _lines(found)
            continue
        places = list(dict.fromkeys(clean(str(result.endpoint), 100) for _, result, _ in found))
        named = ", ".join(places[:_PLACES_NAMED])
        more = f" and {len(places) - _PLACES_NAMED} more" if len(places) > _PLACES_NAMED else ""
        yield named + more, check_id, f"{found[0][1].check.title} ({len(found)} times)"


def _print_unseen(console: Console, results: Sequence[Scanned]) -> None:
    """The targets that were not evaluated, or not wholly, with the reason."""
    unseen = [s.result for s in results if s.result.status is not TargetStatus.EVALUATED]
    for result in unseen[:_TARGETS_NAMED]:
        label = result.status.value.replace("_", " ")
        text = f"{result.target}: {label}: {clean(result.reason, 500)}"
        console.print(Text(text), soft_wrap=True)
    rest = Counter(result.status for result in unseen[_TARGETS_NAMED:])
    for status, count in rest.items():
        console.print(Text(f"and {count} more {status.value.replace('_', ' ')}"), soft_wrap=True)


def _counted(counts: Mapping[Severity, int]) -> str:
    return ", ".join(f"{counts[s]} {s.value}" for s in Severity if counts.get(s))


def _summary(results: Sequence[Scanned], groups: Mapping[Severity, Sequence[_Found]]) -> str:
    found = _counted({severity: len(group) for severity, group in groups.items()}) or "none"
    outcomes = Counter(
        check.verdict.outcome for scanned in results for check in scanned.result.checks
    )
    return (
        f"Targets: {len(results)}. Findings: {found}."
        f" Checks: {outcomes[Outcome.PASSED]} passed, {outcomes[Outcome.FAILED]} failed,"
        f" {outcomes[Outcome.NOT_EVALUATED]} not evaluated."
    )


def _entries(scanned: Scanned) -> Iterator[dict[str, Any]]:  # Any: JSON objects
    for result in scanned.result.checks:
        if not result.verdict.problems:
            yield _entry(scanned, result, result.check.severity, result.verdict.reason)
        for problem in result.verdict.problems:
            severity = problem.severity or result.check.severity
            yield _entry(scanned, result, severity, problem.message) | {
                "discriminator": problem.discriminator,
                "evidence": dict(problem.evidence),
            }


def _entry(
    scanned: Scanned, result: CheckResult, severity: Severity, reason: str
) -> dict[str, Any]:  # Any: a JSON object
    return {
        "target": scanned.asked,
        "host": result.endpoint.host,
        "port": result.endpoint.port,
        "protocol": result.endpoint.protocol,
        "check_id": result.check.id,
        "title": result.check.title,
        "outcome": result.verdict.outcome.value,
        "severity": severity.value,
        "reason": reason,
        "applicable": result.verdict.is_applicable,
        "target_status": scanned.result.status.value,
    }
