"""How much one target may take of the database, whatever it says (TGT-5, TGT-9)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.scanner.check import CheckResult, Outcome, Problem, Severity
from services.scanner.result import Info, TargetResult
from services.scanner.text import storable

MOST_PROBLEMS = 500
MOST_BYTES = 256 * 1024
_MOST_EVIDENCE_BYTES = 8 * 1024
_MOST_ERRORS = 50
_MOST_TEXT = 1000
_OMITTED = {"omitted": "too large to keep"}


def bounded(result: TargetResult) -> TargetResult:
    """The result within the limits; what had to go is named in its ``errors``."""
    notes: list[str] = []
    checks = _few_problems(result.checks, notes)
    left = MOST_BYTES - _size([_in_short(c) for c in checks]) - _size(result.services)
    # The least telling go first when the room is short: a page says more about itself than DNS.
    kept: dict[str, Info] = {}
    for name in ("tls_info", "dns_info", "mail_info", "http_info"):
        info: Info = _stored(getattr(result, name))
        kept[name], used = _fitting(name, info, max(left, 0), notes)
        left -= used
    errors = tuple(storable(e[:_MOST_TEXT]) for e in (*notes, *result.errors))[:_MOST_ERRORS]
    return replace(
        result,
        reason=storable(result.reason[:_MOST_TEXT]),
        services=tuple(_stored(service) for service in result.services),
        checks=checks,
        errors=errors,
        **kept,
    )


def _few_problems(results: Sequence[CheckResult], notes: list[str]) -> tuple[CheckResult, ...]:
    """At most 500 problems, the worst ones; a check that failed keeps at least one of its own."""
    total = sum(len(result.verdict.problems) for result in results)
    if total <= MOST_PROBLEMS:
        return tuple(_trimmed(result, result.verdict.problems) for result in results)
    notes.append(f"{total} problems were seen; the {MOST_PROBLEMS} worst are kept")
    ranked = sorted(
        (
            # The first problem of each result before the second of any.
            (position > 0, _severity(result, problem).rank, index, position)
            for index, result in enumerate(results)
            for position, problem in enumerate(result.verdict.problems)
        ),
    )
    kept: dict[int, list[int]] = {}
    for _, _, index, position in ranked[:MOST_PROBLEMS]:
        kept.setdefault(index, []).append(position)
    return tuple(
        _trimmed(result, tuple(result.verdict.problems[p] for p in sorted(kept.get(index, ()))))
        for index, result in enumerate(results)
        if result.verdict.outcome is not Outcome.FAILED or index in kept
    )


def _trimmed(result: CheckResult, problems: tuple[Problem, ...]) -> CheckResult:
    verdict = replace(
        result.verdict,
        reason=storable(result.verdict.reason[:_MOST_TEXT]),
        problems=tuple(_small(problem) for problem in problems),
    )
    return replace(result, verdict=verdict)


def _small(problem: Problem) -> Problem:
    evidence: Info = _stored(problem.evidence)
    return replace(
        problem,
        message=storable(problem.message[:_MOST_TEXT]),
        discriminator=storable(problem.discriminator[:_MOST_TEXT]),
        evidence=evidence if _size(evidence) <= _MOST_EVIDENCE_BYTES else _OMITTED,
    )


def _severity(result: CheckResult, problem: Problem) -> Severity:
    return problem.severity or result.check.severity


def _in_short(result: CheckResult) -> tuple[str, ...]:
    """About what is stored of a verdict without its problems."""
    return (result.check.id, str(result.endpoint), result.verdict.reason, "x" * 120)


def _fitting(name: str, info: Info, room: int, notes: list[str]) -> tuple[Info, int]:
    """The entries that fit, in their order, and the bytes they take."""
    size = _size(info)
    if size <= room:
        return info, size
    kept: dict[str, Any] = {}  # Any: a JSON object
    used = 0
    for key, value in info.items():
        entry_size = _size({key: value})
        fits = used + entry_size <= room
        kept[key] = value if fits else _OMITTED
        used += entry_size if fits else _size({key: _OMITTED})
    notes.append(f"{name} was too large to keep whole ({size} bytes)")
    return kept, used


def _size(value: object) -> int:
    return len(json.dumps(value, default=str))


def _stored(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """As JSON, with every string fit for a JSONB column; what JSON has no form for, as text."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        # pyright cannot know what is in a JSON object.
        return {storable(str(k)): _stored(v) for k, v in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list | tuple):
        return [_stored(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    is_plain = value is None or isinstance(value, int | float)
    return value if is_plain else storable(str(value))
