"""What must hold for every scan, tried with random ones."""

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from services.compliance import HostVerdicts, assess
from services.compliance.score import WEIGHTS, host_loss, host_score, scan_score
from services.scanner.check import Outcome, Severity
from tests.unit.compliance.cases import C, L, M, host, scan, verdict

TOLERANCE = 1e-9
severities = st.sampled_from(list(Severity))
problems = st.lists(severities, max_size=30)
scans = st.lists(problems, min_size=1, max_size=12)


def exact(hosts: list[list[Severity]]) -> float:
    return scan_score(host_loss(WEIGHTS[s] for s in problems) for problems in hosts)


@given(scans)
def test_a_score_stays_above_zero_and_at_most_a_hundred(hosts: list[list[Severity]]) -> None:
    assert 0.0 < exact(hosts) <= 100.0


@given(scans, st.data())
def test_one_more_problem_never_raises_the_score(
    hosts: list[list[Severity]], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(hosts) - 1))
    added = data.draw(severities)

    worse = [[*problems, added] if i == place else problems for i, problems in enumerate(hosts)]

    assert exact(worse) <= exact(hosts) + TOLERANCE


@given(problems, severities)
def test_a_scored_problem_lowers_a_host_with_few_problems(
    found: list[Severity], added: Severity
) -> None:
    few = found[:6]

    if added is Severity.INFO:
        assert host_score([*few, added]) == host_score(few)
    else:
        assert host_score([*few, added]) < host_score(few)


@given(scans, st.data())
def test_a_worse_severity_never_raises_the_score(
    hosts: list[list[Severity]], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(hosts) - 1))
    milder, worse = sorted(data.draw(st.tuples(severities, severities)), key=lambda s: -s.rank)

    def with_one(severity: Severity) -> list[list[Severity]]:
        return [[*p, severity] if i == place else p for i, p in enumerate(hosts)]

    assert exact(with_one(worse)) <= exact(with_one(milder)) + TOLERANCE


@given(scans, st.integers(1, 50))
def test_clean_hosts_change_nothing(hosts: list[list[Severity]], clean: int) -> None:
    assert exact(hosts + [[]] * clean) == exact(hosts)


@given(scans)
def test_a_scan_is_never_better_than_its_worst_host(hosts: list[list[Severity]]) -> None:
    assert exact(hosts) <= min(host_score(problems) for problems in hosts) + TOLERANCE


@given(problems)
def test_a_scan_of_one_host_scores_as_the_host(found: list[Severity]) -> None:
    assert abs(exact([found]) - host_score(found)) < TOLERANCE


@given(scans, st.data())
def test_the_order_of_hosts_and_problems_does_not_matter(
    hosts: list[list[Severity]], data: st.DataObject
) -> None:
    shuffled = [data.draw(st.permutations(found)) for found in data.draw(st.permutations(hosts))]

    assert exact(shuffled) == exact(hosts)


@settings(max_examples=50)
@given(scans)
def test_the_assessment_agrees_with_the_formula(hosts: list[list[Severity]]) -> None:
    assessment = scan(*hosts)

    assert assessment.score_exact is not None
    assert abs(assessment.score_exact - exact(hosts)) <= 0.1 + TOLERANCE
    assert assessment.score == int(assessment.score_exact)
    assert assessment.score_lower == assessment.score


@settings(max_examples=50)
@given(scans)
def test_points_given_back_are_the_score_without_the_problem(hosts: list[list[Severity]]) -> None:
    best = scan(*hosts).top_losses

    impacts = [
        exact([[*p[:j], *p[j + 1 :]] if i == k else p for k, p in enumerate(hosts)]) - exact(hosts)
        for i, problems in enumerate(hosts)
        for j in range(len(problems))
        if problems[j] is not Severity.INFO
    ]
    expected = sorted(impacts, reverse=True)[:10]
    assert len(best) == len(expected)
    assert all(abs(a.points - b) <= 0.05 + 1e-6 for a, b in zip(best, expected, strict=True))


def test_the_same_problem_at_many_urls_of_a_host_counts_once() -> None:
    once = assess([HostVerdicts("a.example", [verdict("http.x")])], targets_in_scope=1)
    often = assess([HostVerdicts("a.example", [verdict("http.x")] * 40)], targets_in_scope=1)

    assert often.score == once.score == 85


def test_the_worst_severity_of_a_check_at_an_endpoint_counts() -> None:
    verdicts = [verdict("http.x", severity=L), verdict("http.x", severity=C)]

    assert assess([HostVerdicts("a.example", verdicts)], targets_in_scope=1).score == 40


def test_two_ports_of_a_host_count_separately() -> None:
    verdicts = [verdict("tls.x", port=443), verdict("tls.x", port=8443)]

    assert assess([HostVerdicts("a.example", verdicts)], targets_in_scope=1).score == 76


def test_a_host_reached_through_two_assets_counts_once() -> None:
    twice = [host("a.example", [M]), host("a.example", [M])]

    assessment = assess(twice, targets_in_scope=2)

    assert assessment.score == 85
    assert assessment.coverage["checks_applicable"] == 2


def test_a_mail_server_seen_through_its_domain_is_no_further_target() -> None:
    domain = HostVerdicts(
        "a.example",
        [verdict("mail.spf.missing"), verdict("mail.starttls.missing", host="mx.example", port=25)],
    )

    assessment = assess([domain], targets_in_scope=1)

    assert assessment.coverage["targets_evaluated"] == 1
    assert sum(assessment.hosts_by_grade.values()) == 2


def test_a_check_that_does_not_apply_leaves_no_trace() -> None:
    verdicts = [
        verdict("dns.x", outcome=Outcome.NOT_EVALUATED, severity=C, is_applicable=False),
        verdict("tls.x", outcome=Outcome.PASSED),
    ]

    assessment = assess([HostVerdicts("a.example", verdicts)], targets_in_scope=1)

    assert (assessment.score, assessment.score_lower) == (100, 100)
    assert assessment.coverage["checks_applicable"] == 1
    assert assessment.coverage["not_evaluated"] == []


def test_a_whole_network_is_assessed_in_linear_time() -> None:
    def seconds(hosts: int) -> float:
        made = [host(f"h{n}.example", [M, L, L]) for n in range(hosts)]
        start = time.process_time()
        assess(made, targets_in_scope=hosts)
        return time.process_time() - start

    small = max(seconds(2_000), 0.005)

    assert seconds(16_000) < small * 8 * 4
