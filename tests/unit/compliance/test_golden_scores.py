"""The worked examples of the scoring model, row by row."""

import pytest

from services.compliance import Grade, HostVerdicts, MatrixStatus, assess
from services.compliance.score import host_score, one_decimal, whole
from services.scanner.check import Outcome, Severity
from tests.unit.compliance.cases import C, H, L, M, host, scan, verdict

TYPICAL = [M, M, L, L, L, L, L]


@pytest.mark.parametrize(
    ("severities", "expected"),
    [
        ([], 100),
        ([L], 96),
        ([L] * 6, 88),
        ([L] * 20, 87),
        ([M], 85),
        ([M] * 3, 70),
        ([H], 65),
        ([H] * 3, 40),
        ([C], 40),
        ([C] + [L] * 10, 36),
        ([C, C], 23),
        (TYPICAL, 72),
        ([C, H, H, M, M, M], 22),
    ],
)
def test_a_host_scores_as_published(severities: list[Severity], expected: int) -> None:
    assert whole(host_score(severities)) == expected
    assert scan(severities).score == expected


@pytest.mark.parametrize(
    ("hosts", "expected", "mean"),
    [
        ([[C, C]], 23, 23.2),
        ([[C, C]] + [[]] * 9, 23, 92.3),
        ([[C, C]] + [[]] * 99, 23, 99.2),
        ([[H]] + [[]] * 9, 65, 96.5),
        ([[L]] * 10, 92, 96.0),
        ([[L]] * 100, 92, 96.0),
        ([TYPICAL] * 10, 53, 72.0),
        ([[H]] * 10, 44, 65.0),
        ([[C]] + [[L]] * 49, 38, 94.9),
        ([[L]] * 50, 92, 96.0),
    ],
)
def test_a_scan_scores_as_published(
    hosts: list[list[Severity]], expected: int, mean: float
) -> None:
    assessment = scan(*hosts)

    assert assessment.score == expected
    assert assessment.mean_host_score == mean


def test_an_unreachable_target_has_no_score() -> None:
    dead = HostVerdicts(
        "dead.example",
        [verdict("net.host.unreachable", host="dead.example", severity=Severity.INFO)],
        is_reachable=False,
    )

    assessment = assess([dead], targets_in_scope=1)

    assert (assessment.score, assessment.score_exact, assessment.score_lower) == (None, None, None)
    assert assessment.grade is None
    assert assessment.mean_host_score is None
    assert assessment.is_incomplete
    assert assessment.coverage["targets_evaluated"] == 0
    assert assessment.matrix["art21_e"]["status"] == MatrixStatus.NOT_EVALUATED


def test_the_typical_site_gives_back_six_points_per_medium() -> None:
    losses = scan(TYPICAL).top_losses

    assert [loss.points for loss in losses] == [6.6, 6.6, 0.3, 0.3, 0.3, 0.3, 0.3]
    assert [loss.severity for loss in losses] == TYPICAL


def test_what_could_not_run_lowers_the_lower_bound_only() -> None:
    verdicts = [
        verdict("net.a", severity=H),
        *(verdict(f"mail.{n}", outcome=Outcome.NOT_EVALUATED, severity=M) for n in range(3)),
    ]

    assessment = assess([HostVerdicts("a.example", verdicts)], targets_in_scope=1)

    assert (assessment.score, assessment.score_lower) == (65, 51)
    assert assessment.is_incomplete


def test_letters_score_as_published() -> None:
    one, two = "one.example", "two.example"
    hosts = [
        host(one, [H, M, M, M, L, L, L, L]),
        host(one, [M], point="9.2(b)", letter="h"),
        host(one, [L], point="4.2.4(a)", letter="c"),
        host(one, [], point="11.6.1", letter="i"),
        host(two, [L, L]),
    ]

    assessment = assess(hosts, targets_in_scope=2)

    scores = {key[-1]: row["score"] for key, row in assessment.matrix.items()}
    statuses = {key[-1]: row["status"] for key, row in assessment.matrix.items()}
    assert assessment.score == 46
    assert scores == {**dict.fromkeys("abdfgj"), "c": 96, "e": 48, "h": 85, "i": 100}
    assert {letter for letter, status in statuses.items() if status == "manual"} == set("abfgj")
    assert statuses["c"] == statuses["h"] == "attention"
    assert statuses["d"] == "not_evaluated"
    assert statuses["e"] == "gap_indicated"
    assert statuses["i"] == "no_contrary_evidence"
    assert [whole(host_score(s)) for s in ([H, M, M, M, M, L, L, L, L, L], [L, L])] == [48, 93]
    assert assessment.hosts_by_grade == {"A": 1, "B": 0, "C": 0, "D": 0, "F": 1}


def test_the_compared_scans_score_as_published() -> None:
    assert scan([C, H, M], [M, L], []).score == 25
    assert scan([H, M], [M, L], [L]).score == 52


def test_scores_are_rounded_down() -> None:
    assert whole(99.96) == 99
    assert one_decimal(99.96) == 99.9
    assert whole(100 * (1 - 0.15)) == 85
    assert whole(100.0) == 100


@pytest.mark.parametrize(
    ("severity", "grade"),
    [(L, Grade.A), (M, Grade.B), (H, Grade.D), (C, Grade.F)],
)
def test_a_single_problem_leaves_the_published_grade(severity: Severity, grade: Grade) -> None:
    assert scan([severity]).grade is grade
