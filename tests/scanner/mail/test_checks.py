"""Each mail check's outcomes, from real answers of a real server."""

import json

import pytest

from services.scanner.check import Endpoint, Outcome, Severity, Verdict
from services.scanner.context import ProbeContext
from services.scanner.mail import SUITE, describe
from services.scanner.mail.probe import probe_mail
from services.scanner.mail.spf import evaluate_spf

P, F, N = Outcome.PASSED, Outcome.FAILED, Outcome.NOT_EVALUATED


async def verdicts_of(context: ProbeContext, name: str) -> dict[str, Verdict]:
    result = await SUITE.run(context, name, Endpoint(name, protocol="mail"))
    return {r.check.id.removeprefix("mail."): r.verdict for r in result.results}


OUTCOMES = [
    ("spf.missing", {"whole.test": P, "bare.test": F, "unused.test": F, "www.bare.test": N,
                     "null.test": P, "fails.test": N, "silent.test": N}),
    ("spf.multiple", {"whole.test": P, "twice.test": F, "bare.test": N}),
    ("spf.syntax", {"whole.test": P, "joined.test": P, "wrong.test": F, "glued.test": F,
                    "after.test": F, "noinclude.test": F, "macro.test": P, "lost.test": N,
                    "twice.test": N}),
    ("spf.too_many_lookups", {"ten.test": P, "eleven.test": F, "circle.test": F, "void.test": F,
                              "two.test": P, "family.test": P, "lost.test": N, "bare.test": N}),
    ("spf.pass_all", {"whole.test": P, "plus.test": F, "wide.test": F, "widecut.test": F,
                      "via.test": F, "notvia.test": P, "redirplus.test": F, "lost.test": N}),
    ("spf.neutral_all", {"whole.test": P, "neutral.test": F, "endless.test": F,
                         "redirected.test": P, "bare.test": N, "glued.test": N}),
    ("spf.no_all", {"whole.test": P, "endless.test": F, "redirected.test": P, "bare.test": N,
                    "glued.test": N}),
    ("spf.softfail", {"whole.test": P, "soft.test": P, "watch.test": F, "trial.test": F,
                      "strict.test": P, "bare.test": N}),
    ("spf.ptr", {"whole.test": P, "ptr.test": F, "bare.test": N}),
    ("dmarc.missing", {"strict.test": P, "bare.test": F, "www.bare.test": N, "unused.test": F,
                       "child.parent.test": P, "under.suffix": P, "late.test": N,
                       "pair.test": N, "dmarcill.test": N}),
    ("dmarc.policy_none", {"strict.test": P, "watch.test": F, "pless.test": F, "subnone.test": F,
                           "child.parent.test": F, "under.suffix": P, "bare.test": N,
                           "dmarcill.test": N, "typo.test": N}),
    ("dmarc.testing", {"strict.test": P, "trial.test": F, "child.parent.test": N}),
    ("dmarc.partial", {"strict.test": P, "part.test": F, "bare.test": N}),
    ("dmarc.no_rua", {"strict.test": P, "mute.test": F, "foreign.test": F, "agreed.test": P,
                      "askless.test": N, "bare.test": N}),
    ("dmarc.syntax", {"strict.test": P, "typo.test": F, "late.test": F, "pair.test": F,
                      "pless.test": P, "bare.test": N, "dmarcill.test": N}),
    ("dkim.missing", {"whole.test": P, "own.test": P, "bare.test": F, "unused.test": N,
                      "null.test": N, "halfill.test": N}),
    ("dkim.weak_key", {"whole.test": P, "short.test": F, "wild.test": N, "revoked.test": N,
                       "halfill.test": N}),
    ("mtasts.missing", {"whole.test": P, "bare.test": F, "null.test": N, "halfill.test": N}),
    ("dane.missing", {"pinned.test": P, "loose.test": P, "bare.test": F, "hosted.test": F,
                      "null.test": N, "halfill.test": N}),
    ("dane.no_dnssec", {"pinned.test": P, "hosted.test": P, "loose.test": F, "spoilt.test": F,
                        "bare.test": N, "wildpin.test": N, "halfill.test": N}),
    ("tlsrpt.missing", {"whole.test": P, "bare.test": F, "null.test": N, "halfill.test": N}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("check", "name", "expected"),
    [(check, name, outcome) for check, names in OUTCOMES for name, outcome in names.items()],
)
async def test_each_check_ends_as_it_should(
    context: ProbeContext, check: str, name: str, expected: Outcome
) -> None:
    verdict = (await verdicts_of(context, name))[check]

    assert verdict.outcome is expected, verdict.reason
    assert verdict.reason


def test_every_check_is_seen_with_every_outcome() -> None:
    assert {check.info.id for check in SUITE.checks} == {f"mail.{name}" for name, _ in OUTCOMES}
    for _, names in OUTCOMES:
        assert set(names.values()) == {P, F, N}


@pytest.mark.parametrize(
    ("name", "lookups", "voids"),
    [
        ("whole.test", 1, 0),
        ("ten.test", 10, 0),
        ("eleven.test", 11, 0),
        ("circle.test", 20, 0),
        ("void.test", 3, 3),
        ("family.test", 1, 0),
        ("redirected.test", 2, 0),
        ("macro.test", 2, 0),
        ("noinclude.test", 1, 1),
    ],
)
async def test_lookups_are_counted_as_the_standard_does(
    context: ProbeContext, name: str, lookups: int, voids: int
) -> None:
    facts = await evaluate_spf(context.resolver, name)

    assert (facts.lookups, facts.void_lookups) == (lookups, voids)


async def test_a_domain_without_mail_is_told_the_record_it_needs(context: ProbeContext) -> None:
    verdict = (await verdicts_of(context, "unused.test"))["spf.missing"]

    assert '"v=spf1 -all"' in verdict.reason


@pytest.mark.parametrize(
    ("check", "name", "severity"),
    [
        ("spf.too_many_lookups", "void.test", Severity.MEDIUM),
        ("spf.syntax", "after.test", Severity.LOW),
        ("spf.softfail", "watch.test", Severity.LOW),
        ("dmarc.policy_none", "subnone.test", Severity.LOW),
        ("dkim.weak_key", "short.test", None),
        ("mtasts.missing", "bare.test", None),
        ("mtasts.missing", "pinned.test", Severity.INFO),
        ("mtasts.missing", "loose.test", None),
    ],
)
async def test_the_severity_follows_what_was_found(
    context: ProbeContext, check: str, name: str, severity: Severity | None
) -> None:
    verdict = (await verdicts_of(context, name))[check]

    assert [problem.severity for problem in verdict.problems] == [severity]


async def test_what_a_check_asks_in_vain_is_not_applicable(context: ProbeContext) -> None:
    verdicts = await verdicts_of(context, "unused.test")

    assert not verdicts["mtasts.missing"].is_applicable
    assert not verdicts["spf.syntax"].is_applicable
    assert verdicts["dmarc.missing"].is_applicable


@pytest.mark.parametrize("name", ["fails.test", "silent.test", "nowhere.test"])
async def test_what_cannot_be_seen_is_never_missing(context: ProbeContext, name: str) -> None:
    verdicts = await verdicts_of(context, name)

    assert {verdict.outcome for verdict in verdicts.values()} == {N}
    assert all(verdict.is_applicable for verdict in verdicts.values())


@pytest.mark.parametrize("name", ["whole.test", "bare.test", "null.test", "child.parent.test"])
async def test_the_facts_are_told_as_json(context: ProbeContext, name: str) -> None:
    told = describe(await probe_mail(context, name))

    assert json.loads(json.dumps(told))["name"] == name
