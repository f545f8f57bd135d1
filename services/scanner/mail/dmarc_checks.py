"""Checks of DMARC. Each judges facts and looks at nothing itself."""

from services.scanner.check import Problem, Severity, Verdict, check
from services.scanner.dns.zone import clean
from services.scanner.mail.dmarc import DmarcFacts, DmarcRecord, Policy
from services.scanner.mail.facts import MailFacts
from services.scanner.mail.spf_checks import is_host_without_mail

_DMARC = "RFC 9989"
_WHOLE = 100


def _unless_record(dmarc: DmarcFacts) -> Verdict | DmarcRecord:
    """The record in force, or why there is nothing to judge."""
    if dmarc.record is not None:
        return dmarc.record
    if not dmarc.is_known:
        return Verdict.not_evaluated(f"DMARC could not be looked up: {dmarc.reason}")
    return Verdict.not_applicable("no DMARC record is in force")


def _unless_own(dmarc: DmarcFacts) -> Verdict | DmarcRecord:
    """The same, where the record is the domain's own; an inherited one is judged at its owner."""
    if dmarc.is_inherited:
        return Verdict.not_applicable(f"the record is that of {dmarc.found_at}")
    return _unless_record(dmarc)


def _evidence(dmarc: DmarcFacts, record: DmarcRecord) -> dict[str, str]:
    return {"record": clean(record.text), "found_at": f"_dmarc.{dmarc.found_at}"}


@check(
    "mail.dmarc.missing",
    rationale="Without DMARC a receiver does not know what to do with forged mail, and the owner "
    "never hears of it.",
    remediation='Publish "v=DMARC1; p=reject; rua=mailto:…" at _dmarc, by way of p=none.',
    sources=(_DMARC, "RFC 9989 section 4.10"),
)
def dmarc_missing(facts: MailFacts) -> Verdict:
    dmarc = facts.dmarc
    if dmarc.record is not None:
        where = f"inherited from {dmarc.found_at}" if dmarc.is_inherited else "at the domain"
        return Verdict.passed(f"there is a DMARC record, {where}")
    if not dmarc.is_known:
        return Verdict.not_evaluated(f"DMARC could not be looked up: {dmarc.reason}")
    if dmarc.own_texts or dmarc.misplaced:
        return Verdict.not_applicable("there is a record that cannot count: see mail.dmarc.syntax")
    if is_host_without_mail(facts):
        return Verdict.not_applicable("a host that takes no mail, inside another zone")
    return Verdict.failed(f"{facts.name} has no DMARC record, nor has a domain above it")


@check(
    "mail.dmarc.policy_none",
    rationale="p=none watches forged mail arrive.",
    remediation="Read the reports, then go to quarantine and to reject.",
    sources=("RFC 9989 section 4.7",),
)
def dmarc_policy_none(facts: MailFacts) -> Verdict:
    dmarc = facts.dmarc
    record = _unless_record(dmarc)
    if isinstance(record, Verdict):
        return record
    policy = record.subdomain_policy if dmarc.is_inherited else record.policy
    if policy is Policy.NONE and record.has_wrong_policy:
        return Verdict.not_applicable("the policy cannot be read: see mail.dmarc.syntax")
    if policy is Policy.NONE:
        origin = f", inherited from {dmarc.found_at}" if dmarc.is_inherited else ""
        return Verdict.failed(
            f"The DMARC policy is none{origin}", evidence=_evidence(dmarc, record)
        )
    if not dmarc.is_inherited and record.subdomain_policy is Policy.NONE:
        problem = Problem(
            "The DMARC policy for sub-domains is none", "sp", Severity.LOW, _evidence(dmarc, record)
        )
        return Verdict.failed_each((problem,))
    return Verdict.passed(f"the policy is {policy.value}")


@check(
    "mail.dmarc.testing",
    rationale="Under test (t=y) reject acts as quarantine, and quarantine as none.",
    remediation="Remove t=y once the reports are clean.",
    sources=("RFC 9989 section 4.7",),
)
def dmarc_testing(facts: MailFacts) -> Verdict:
    record = _unless_own(facts.dmarc)
    if isinstance(record, Verdict):
        return record
    if record.is_testing:
        return Verdict.failed("DMARC is in testing (t=y)", evidence=_evidence(facts.dmarc, record))
    return Verdict.passed("DMARC is not in testing")


@check(
    "mail.dmarc.partial",
    rationale="Receivers that still honour pct apply the policy to a part of the forged mail only.",
    remediation="Remove pct; use t=y for a trial.",
    sources=("RFC 9989 appendix A.6",),
)
def dmarc_partial(facts: MailFacts) -> Verdict:
    record = _unless_own(facts.dmarc)
    if isinstance(record, Verdict):
        return record
    if record.percent is not None and record.percent < _WHOLE:
        return Verdict.failed(
            f"DMARC for {record.percent} % of the mail (pct)",
            evidence=_evidence(facts.dmarc, record),
        )
    return Verdict.passed("the policy is for all mail")


@check(
    "mail.dmarc.no_rua",
    rationale="Without reports nobody sees who sends in the domain's name.",
    remediation="Add rua=mailto:… of a mailbox that is read; a foreign receiver must agree in DNS.",
    sources=("RFC 9990 section 3", "RFC 9990 section 4"),
)
def dmarc_no_rua(facts: MailFacts) -> Verdict:
    dmarc = facts.dmarc
    record = _unless_own(dmarc)
    if isinstance(record, Verdict):
        return record
    if not record.rua:
        return Verdict.failed(
            "DMARC names no valid address for reports", evidence=_evidence(dmarc, record)
        )
    if dmarc.unauthorized:
        receivers = ", ".join(map(clean, dmarc.unauthorized))
        return Verdict.failed(
            f"{receivers} did not agree to receive the reports",
            discriminator="unauthorized",
            evidence=_evidence(dmarc, record) | {"receivers": receivers},
        )
    if dmarc.authorization_unknown:
        unknown = ", ".join(map(clean, dmarc.authorization_unknown))
        return Verdict.not_evaluated(f"it could not be looked up whether {unknown} agreed")
    return Verdict.passed(f"reports go to {len(record.rua)} address(es)")


@check(
    "mail.dmarc.syntax",
    rationale="Receivers drop a record that they cannot read: there is no DMARC.",
    remediation='Begin with "v=DMARC1;", keep one record, use none, quarantine or reject.',
    sources=("RFC 9989 section 4.7", "RFC 9989 section 4.10"),
)
def dmarc_syntax(facts: MailFacts) -> Verdict:
    dmarc = facts.dmarc
    if not dmarc.is_known and dmarc.record is None:
        return Verdict.not_evaluated(f"DMARC could not be looked up: {dmarc.reason}")
    if len(dmarc.own_texts) > 1:
        texts = [clean(text) for text in dmarc.own_texts[:5]]
        return Verdict.failed(f"{len(dmarc.own_texts)} DMARC records", evidence={"records": texts})
    if not dmarc.own_texts and dmarc.misplaced:
        text = clean(dmarc.misplaced[0])
        return Verdict.failed("DMARC does not begin with v=DMARC1", evidence={"record": text})
    record = _unless_own(dmarc)
    if isinstance(record, Verdict):
        return record
    if record.errors:
        words = clean("; ".join(record.errors[:5]))
        return Verdict.failed(f"DMARC is invalid: {words}", evidence=_evidence(dmarc, record))
    return Verdict.passed("the record can be read")


CHECKS = (
    dmarc_missing,
    dmarc_policy_none,
    dmarc_testing,
    dmarc_partial,
    dmarc_no_rua,
    dmarc_syntax,
)
