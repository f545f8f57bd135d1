"""What ``nis2 scan`` shows: a table for people, JSON for programs."""

import json
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from gateway.scan_run import Scanned
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


@contextmanager
def progress(total: int) -> Generator[Callable[[Target], None]]:
    """A bar on the error stream, on a terminal only; call what it gives for each target done."""
    console = Console(stderr=True)
    columns = (
        TextColumn("Scanning"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[target]}", markup=False),
    )
    is_hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=is_hidden) as bar:
        task = bar.add_task("scan", total=total, target="")
        yield lambda target: bar.update(task, advance=1, target=str(target))


def verdicts_as_json(results: Sequence[Scanned]) -> str:
    """One object for each verdict, and for each problem of a failed one."""
    objects = [entry for scanned in results for entry in _entries(scanned)]
    return json.dumps(objects, indent=1, ensure_ascii=False, default=str)


def has_finding(results: Sequence[Scanned], threshold: Severity) -> bool:
    """Whether something is as bad as the threshold, or worse."""
    return any(severity.rank <= threshold.rank for severity, _, _ in _problems(results))


def print_report(results: Sequence[Scanned]) -> None:
    """Findings from worst to mildest, then what could not be looked at, then the count."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_FILE_WIDTH)
    problems = sorted(_problems(results), key=lambda found: (found[0].rank, str(found[1].endpoint)))
    if problems:
        console.print(_table(problems))
    for scanned in results:
        status = scanned.result.status
        if status is not TargetStatus.EVALUATED:
            label = status.value.replace("_", " ")
            text = f"{scanned.result.target}: {label}: {clean(scanned.result.reason, 500)}"
            console.print(Text(text), soft_wrap=True)
    console.print(Text(_summary(results, problems)), soft_wrap=True)


Found = tuple[Severity, CheckResult, Problem]


def _problems(results: Sequence[Scanned]) -> Iterator[Found]:
    for scanned in results:
        for check in scanned.result.checks:
            for problem in check.verdict.problems:
                yield problem.severity or check.check.severity, check, problem


def _table(problems: Sequence[Found]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("Severity", "Where", "Check"):
        table.add_column(title)
    table.add_column("What", overflow="fold", ratio=1)
    for severity, result, problem in problems:
        table.add_row(
            Text(severity.value, style=_STYLES[severity]),
            # Text, not markup: a target may have put brackets into it.
            Text(clean(str(result.endpoint), 100)),
            Text(result.check.id),
            Text(clean(problem.message, _LONGEST_MESSAGE)),
        )
    return table


def _summary(results: Sequence[Scanned], problems: Sequence[Found]) -> str:
    counts = Counter(severity for severity, _, _ in problems)
    parts = ", ".join(f"{counts[s]} {s.value}" for s in Severity if counts[s]) or "none"
    outcomes = Counter(
        check.verdict.outcome for scanned in results for check in scanned.result.checks
    )
    return (
        f"Targets: {len(results)}. Findings: {parts}."
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
