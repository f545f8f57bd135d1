"""Every hostile target in one run: each ends, memory stays flat, each result says why (TGT)."""

import asyncio
import re
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from services.scanner.result import TargetResult
from tests.hostile.run import MOST_MEMORY, Ended, Report, Target, scan_everything, serving

_PROBE_S = 1.0
_AGAIN_S = (5.0, 10.0)
_AT_LEAST = 22
pytestmark = pytest.mark.timeout(600)  # some forty targets, each with a limit of its own
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def _scan(targets: list[Target], probe_timeout_s: float) -> Report:
    return asyncio.run(scan_everything(targets, probe_timeout_s, lambda _: None))


@pytest.fixture(scope="module")
def report() -> Generator[tuple[Report, dict[str, Ended]]]:
    """The run, and each target's end by what it does.

    On a busy machine a server may be too slow to be recognized in time; then its target is scanned
    again, with fewer beside it and more time.
    """
    with tempfile.TemporaryDirectory() as directory, serving(Path(directory)) as targets:
        whole = _scan(list(targets), _PROBE_S)
        ended = {end.target.what: end for end in whole.ended}
        for seconds in _AGAIN_S:
            unclear = [end.target for end in ended.values() if not end.names_the_reason]
            again = _scan(unclear, seconds).ended
            ended |= {end.target.what: end for end in again}
        yield whole, ended


def test_each_target_ends(report: tuple[Report, dict[str, Ended]]) -> None:
    whole, _ = report

    assert len(whole.ended) >= _AT_LEAST
    # Not tight: it is about ending at all, on a machine that does other things as well.
    assert max(end.seconds for end in whole.ended) < 5 * whole.limit_s


def test_memory_stays_flat(report: tuple[Report, dict[str, Ended]]) -> None:
    assert report[0].memory_growth_bytes < MOST_MEMORY


def test_each_result_names_the_reason(report: tuple[Report, dict[str, Ended]]) -> None:
    unclear = {what: end.reasons for what, end in report[1].items() if not end.names_the_reason}

    assert unclear == {}


def test_nothing_that_a_target_said_can_hurt_a_reader(
    report: tuple[Report, dict[str, Ended]],
) -> None:
    for end in report[0].ended:
        for text in _texts(end.result):
            assert not _CONTROL.search(text), (end.target.what, text)


def _texts(result: TargetResult) -> list[str]:
    checks = [text for c in result.checks for text in (c.verdict.reason, str(c.endpoint))]
    problems = [p.message for c in result.checks for p in c.verdict.problems]
    banners = [str(service["banner"]) for service in result.services]
    return [result.reason, *result.errors, *checks, *problems, *banners]
