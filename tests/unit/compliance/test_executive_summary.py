"""The executive summary says what was found, and what was not looked at."""

from services.compliance import ProblemCount, SummaryFacts, assess, executive_summary
from services.scanner.check import Severity
from tests.unit.compliance.cases import C, M, scan


def test_the_worst_problem_and_the_score_are_said() -> None:
    text = executive_summary(
        SummaryFacts(
            scan([C], [M]),
            hosts_scanned=2,
            hosts_alive=2,
            findings={C: 1, M: 1},
            worst=(ProblemCount("Database open to the Internet", C, 1),),
        )
    )

    assert "score is 37 of 100 (grade F)" in text
    assert "2 findings: 1 critical and 1 medium." in text
    assert "Most urgent: Database open to the Internet (critical, 1 host)." in text
    assert "Article 21(2) (e) secure acquisition" in text
    assert "(a), (b), (f), (g) and (j) cannot be examined" in text


def test_a_scan_that_saw_nothing_claims_nothing() -> None:
    text = executive_summary(
        SummaryFacts(
            assess([], targets_in_scope=3),
            hosts_scanned=3,
            hosts_alive=0,
            findings={},
            not_tested={"no port answered": 2, "blocked": 1},
            is_partial=True,
        )
    )

    assert text.startswith("This scan did not run to its end")
    assert "none answered" in text
    assert "there is no score" in text
    assert "no problem was found" not in text
    assert "3 targets could not be evaluated: no port answered (2); blocked (1)." in text


def test_no_summary_calls_anything_compliant() -> None:
    text = executive_summary(
        SummaryFacts(scan([]), hosts_scanned=1, hosts_alive=1, findings={Severity.HIGH: 0})
    )

    assert "In what was tested, no problem was found." in text
    assert "compliant" not in text
