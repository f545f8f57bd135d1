"""One hostile target cannot fill the database (TGT-5, TGT-9)."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from services.scanner.bounds import MOST_BYTES, MOST_PROBLEMS, bounded
from services.scanner.check import (
    CheckResult,
    Endpoint,
    Outcome,
    Problem,
    Severity,
    Verdict,
)
from services.scanner.net.checks import host_unreachable, port_open
from services.scanner.result import TargetResult, TargetStatus
from services.scanner.target import Target, TargetType

_ENDPOINT = Endpoint("192.0.2.1", 80, "http")
_EMPTY = TargetResult(
    Target(TargetType.IP, "192.0.2.1"), TargetStatus.EVALUATED, datetime(2026, 1, 1, tzinfo=UTC), 1
)


def _failed(*problems: Problem) -> CheckResult:
    return CheckResult(port_open.info, _ENDPOINT, Verdict.failed_each(problems))


def _stored_size(result: TargetResult) -> int:
    info: list[Any] = [result.http_info, result.tls_info, result.dns_info, result.mail_info]
    checks = [(c.check.id, str(c.endpoint), c.verdict.reason) for c in result.checks]
    return len(json.dumps([*info, checks, result.services]))


def test_a_result_within_the_limits_is_left_alone() -> None:
    result = replace(
        _EMPTY,
        checks=(_failed(Problem("a", "x", Severity.LOW, {"seen": [1, 2]})),),
        http_info={"80": {"status": 200}},
    )

    assert bounded(result) == result


def test_of_too_many_problems_the_worst_are_kept() -> None:
    """TGT-9."""
    mild = [Problem(f"mild {n}", str(n), Severity.INFO) for n in range(600)]
    severe = [Problem(f"severe {n}", f"s{n}", Severity.HIGH) for n in range(100)]

    result = bounded(replace(_EMPTY, checks=(_failed(*mild), _failed(*severe))))

    kept = [problem for check in result.checks for problem in check.verdict.problems]
    assert len(kept) == MOST_PROBLEMS
    assert sum(problem.severity is Severity.HIGH for problem in kept) == 100
    assert all(c.verdict.problems for c in result.checks if c.verdict.outcome is Outcome.FAILED)
    assert result.errors == ("700 problems were seen; the 500 worst are kept",)


def test_a_check_without_problems_survives_the_crowd() -> None:
    passed = CheckResult(host_unreachable.info, Endpoint("192.0.2.1"), Verdict.passed("fine"))
    crowd = _failed(*(Problem(str(n), str(n)) for n in range(600)))

    assert passed in bounded(replace(_EMPTY, checks=(crowd, passed))).checks


def test_huge_facts_make_room_for_the_rest() -> None:
    """TGT-9: at most 256 KiB, and the overflow is told."""
    page = {"80": {"body": "x" * 300_000}, "443": {"status": 200}}
    zone = {"records": ["y" * 1000] * 300}

    result = bounded(replace(_EMPTY, http_info=page, dns_info=zone, tls_info={"443": {"a": 1}}))

    assert _stored_size(result) <= MOST_BYTES
    assert result.http_info["443"] == {"status": 200}
    assert result.tls_info == {"443": {"a": 1}}
    assert len(result.errors) == 2


def test_huge_evidence_is_left_out() -> None:
    result = bounded(
        replace(_EMPTY, checks=(_failed(Problem("a", evidence={"page": "x" * 20_000})),))
    )

    assert result.checks[0].verdict.problems[0].evidence == {"omitted": "too large to keep"}


def test_no_nul_and_no_lone_surrogate_leaves_the_engine() -> None:
    """TGT-5: one hostile header must not fail the whole scan."""
    hostile = "a\x00b\ud800c"
    result = bounded(
        replace(
            _EMPTY,
            reason=hostile,
            errors=(hostile,),
            services=({"banner": hostile},),
            http_info={hostile: [{"x": (hostile,)}]},
            checks=(_failed(Problem(hostile, hostile, None, {hostile: hostile})),),
        )
    )

    text = repr(result)
    assert r"\x00" not in text
    assert r"\ud800" not in text
    assert result.http_info == {"a\ufffdb\ufffdc": [{"x": ["a\ufffdb\ufffdc"]}]}


def test_what_json_has_no_form_for_becomes_text() -> None:
    result = bounded(replace(_EMPTY, dns_info={"seen_at": datetime(2026, 1, 1, tzinfo=UTC)}))

    assert json.loads(json.dumps(result.dns_info)) == {"seen_at": "2026-01-01 00:00:00+00:00"}
