"""Every check of the catalogue: built once, three outcomes, a source, and its letter in law."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pytest

from services.compliance import EvidenceClass, letter_of_point, point_of
from services.scanner.check import Check, Endpoint, Outcome, catalogue_entries
from services.scanner.engine import CATALOGUE, SUITES
from services.scanner.net.checks import HOST_CHECKS, PORT_CHECKS, SCOPE_CHECKS
from tests.scanner.outcomes import host_samples, http_samples, name_samples, tls_samples
from tests.scanner.outcomes.samples import Samples

IDS = sorted(catalogue_entries())
ROOMS: Sequence[Samples] = (
    tls_samples.SAMPLES,
    http_samples.SAMPLES,
    name_samples.SAMPLES,
    host_samples.SAMPLES,
)
SAMPLES: Samples = {id_: sample for room in ROOMS for id_, sample in room.items()}


def _built() -> dict[str, set[Check[Any]]]:  # Any: each check has facts of its own type
    found: dict[str, set[Check[Any]]] = defaultdict(set)
    for suite in SUITES:
        for check in suite.checks:
            found[check.info.id].add(check)
    for check in (*HOST_CHECKS, *PORT_CHECKS, *SCOPE_CHECKS):
        found[check.info.id].add(check)
    return found


BUILT = _built()


def test_the_whole_catalogue_is_built_and_has_samples() -> None:
    assert len(IDS) == 165
    assert set(IDS) == set(BUILT) == set(CATALOGUE) == set(SAMPLES)
    assert sum(len(room) for room in ROOMS) == len(SAMPLES), "a check has samples in two rooms"


@pytest.mark.parametrize("id_", IDS)
def test_a_check_is_one_function_whichever_suites_ask_it(id_: str) -> None:
    assert len(BUILT[id_]) == 1


@pytest.mark.parametrize("id_", IDS)
def test_a_check_has_each_outcome(id_: str) -> None:
    (check,) = BUILT[id_]
    sample = SAMPLES[id_]

    passed, failed = check.judge(sample.passed), check.judge(sample.failed)
    assert passed.outcome is Outcome.PASSED, passed.reason
    assert failed.outcome is Outcome.FAILED, failed.reason
    assert failed.problems[0].message
    assert passed.problems == ()
    for verdict in _unseen(id_, sample.unseen):
        assert verdict.outcome is Outcome.NOT_EVALUATED, verdict.reason
        assert verdict.reason
        assert verdict.problems == ()


def _unseen(id_: str, facts: Any) -> list[Any]:  # noqa: ANN401 - each check has its own facts
    """The verdict on facts that do not tell, or those of every suite that could not look."""
    if facts is not None:
        (check,) = BUILT[id_]
        return [check.judge(facts)]
    verdicts = [
        result.verdict
        for suite in SUITES
        for result in suite.without_facts(Endpoint("host.test"), "the connection was reset")
        if result.check.id == id_
    ]
    assert verdicts, "no suite asks it, so it must be able to judge that nothing was seen"
    return verdicts


@pytest.mark.parametrize("id_", IDS)
def test_a_check_cites_a_source_and_its_letter_follows_from_its_primary_point(id_: str) -> None:
    info, entry = CATALOGUE[id_], catalogue_entries()[id_]
    primary = info.points[0]

    assert all(source.strip() for source in info.sources)
    assert info.sources
    assert info.letter == entry["letter"] == letter_of_point(primary)
    assert primary == entry["primary_point"]
    assert point_of(primary).evidence_class in {EvidenceClass.STRONG, EvidenceClass.INDICATIVE}
