"""Checks of SPF. Each judges facts and looks at nothing itself."""

from services.scanner.check import Problem, Severity, Verdict, check
from services.scanner.dns.zone import clean
from services.scanner.mail.dmarc import DmarcFacts, Policy
from services.scanner.mail.facts import MailFacts
from services.scanner.mail.spf import MAX_LOOKUPS, MAX_VOID_LOOKUPS, SpfFacts
from services.scanner.mail.spf_record import SpfRecord

_SPF = "RFC 7208"


def _unless_one(spf: SpfFacts) -> Verdict | SpfRecord:
    """The one record, or why there is nothing to judge."""
    if not spf.is_known:
        return Verdict.not_evaluated(f"SPF could not be looked up: {spf.reason}")
    if spf.record is None:
        words = "several SPF records" if spf.records else "no SPF record"
        return Verdict.not_applicable(f"there is {words}")
    return spf.record


def is_host_without_mail(facts: MailFacts) -> bool:
    """A host inside a zone that takes no mail: its zone speaks for it."""
    return not facts.is_apex and facts.mx.is_known and not facts.mx.takes_mail


@check(
    "mail.spf.missing",
    rationale="Without SPF anybody's server may send in the domain's name, and receivers cannot "
    "tell.",
    remediation='Publish one TXT record with your senders, ended by -all; "v=spf1 -all" where no '
    "mail is sent.",
    sources=(_SPF, "RFC 7505 section 4.2"),
)
def spf_missing(facts: MailFacts) -> Verdict:
    spf = facts.spf
    if not spf.is_known:
        return Verdict.not_evaluated(f"SPF could not be looked up: {spf.reason}")
    if spf.records:
        return Verdict.passed("there is an SPF record")
    if is_host_without_mail(facts):
        return Verdict.not_applicable("a host that takes no mail, inside another zone")
    if not facts.is_apex and not facts.mx.is_known:
        return Verdict.not_evaluated(f"MX could not be looked up: {facts.mx.reason}")
    if facts.mx.is_known and not facts.mx.takes_mail:
        message = f'{facts.name} takes no mail and does not say "v=spf1 -all"'
    else:
        message = f"{facts.name} has no SPF record"
    return Verdict.failed(message, evidence={"mx": list(facts.mx.hosts)})


@check(
    "mail.spf.multiple",
    rationale="With two records receivers end in permerror: SPF protects nothing.",
    remediation="Merge them into one record.",
    sources=("RFC 7208 section 3.2", "RFC 7208 section 4.5"),
)
def spf_multiple(facts: MailFacts) -> Verdict:
    spf = facts.spf
    if not spf.is_known:
        return Verdict.not_evaluated(f"SPF could not be looked up: {spf.reason}")
    if not spf.records:
        return Verdict.not_applicable("there is no SPF record")
    if len(spf.records) == 1:
        return Verdict.passed("there is one SPF record")
    return Verdict.failed(
        f"{len(spf.records)} SPF records",
        evidence={"records": [clean(text) for text in spf.records[:5]]},
    )


@check(
    "mail.spf.syntax",
    rationale="A record that cannot be read ends in permerror: SPF protects nothing.",
    remediation="Correct the terms named.",
    sources=("RFC 7208 section 4.6", "RFC 7208 section 5.2"),
)
def spf_syntax(facts: MailFacts) -> Verdict:
    record = _unless_one(facts.spf)
    if isinstance(record, Verdict):
        return record
    evidence = {"record": clean(record.text)}
    errors = [clean(error) for error in (*record.errors, *facts.spf.errors)]
    problems: list[Problem] = []
    if errors:
        problems.append(
            Problem(
                "SPF is invalid: " + "; ".join(errors[:5]),
                evidence=evidence | {"errors": errors[:20]},
            )
        )
    if record.ignored:
        words = clean(" ".join(record.ignored))[:200]
        problems.append(
            Problem(
                f"Nobody reads what stands after all: {words}", "after_all", Severity.LOW, evidence
            )
        )
    if problems:
        return Verdict.failed_each(tuple(problems))
    if facts.spf.unknown:
        return Verdict.not_evaluated(f"not everything could be followed: {facts.spf.unknown[0]}")
    return Verdict.passed("every term can be read")


@check(
    "mail.spf.too_many_lookups",
    rationale="Receivers stop after ten look-ups with permerror: SPF protects nothing.",
    remediation="Drop includes that are no longer used, replace a and mx by ip4 and ip6.",
    sources=("RFC 7208 section 4.6.4",),
)
def spf_too_many_lookups(facts: MailFacts) -> Verdict:
    spf = facts.spf
    record = _unless_one(spf)
    if isinstance(record, Verdict):
        return record
    evidence = {"lookups": spf.lookups, "void_lookups": spf.void_lookups}
    if spf.lookups > MAX_LOOKUPS:
        return Verdict.failed(f"SPF needs more than {MAX_LOOKUPS} look-ups", evidence=evidence)
    if spf.void_lookups > MAX_VOID_LOOKUPS:
        return Verdict.failed(
            f"More than {MAX_VOID_LOOKUPS} of SPF's look-ups find nothing",
            discriminator="void",
            severity=Severity.MEDIUM,
            evidence=evidence,
        )
    if spf.unknown:
        return Verdict.not_evaluated(f"not everything could be followed: {spf.unknown[0]}")
    return Verdict.passed(f"{spf.lookups} look-ups, {spf.void_lookups} of them void")


@check(
    "mail.spf.pass_all",
    rationale="The record vouches for every sender of the world: worse than none.",
    remediation="End the record with -all and list your own senders only.",
    sources=("RFC 7208 section 5.1",),
)
def spf_pass_all(facts: MailFacts) -> Verdict:
    record = _unless_one(facts.spf)
    if isinstance(record, Verdict):
        return record
    if facts.spf.passes_everyone:
        by = clean(facts.spf.passes_everyone)
        return Verdict.failed(
            f"SPF lets everyone send: {by}", evidence={"record": clean(record.text)}
        )
    if facts.spf.unknown:
        return Verdict.not_evaluated(f"not everything could be followed: {facts.spf.unknown[0]}")
    return Verdict.passed("it does not vouch for everybody")


def _has_no_end(facts: MailFacts, record: SpfRecord) -> bool:
    return facts.spf.all_qualifier is None and record.redirect is None


def _unless_readable(facts: MailFacts, record: SpfRecord) -> Verdict | None:
    """A missing blank swallows the end of a record: one fault, one finding."""
    if record.errors and _has_no_end(facts, record):
        return Verdict.not_applicable("the record cannot be read: see mail.spf.syntax")
    return None


@check(
    "mail.spf.neutral_all",
    rationale="Neutral says nothing about forged mail: receivers treat it like no record.",
    remediation="End the record with -all or ~all.",
    sources=("RFC 7208 section 8.2", "RFC 7208 section 4.7"),
)
def spf_neutral_all(facts: MailFacts) -> Verdict:
    record = _unless_one(facts.spf)
    if isinstance(record, Verdict):
        return record
    evidence = {"record": clean(record.text)}
    if facts.spf.all_qualifier == "?":
        return Verdict.failed("SPF ends with ?all: it has no effect", evidence=evidence)
    if (unreadable := _unless_readable(facts, record)) is not None:
        return unreadable
    if _has_no_end(facts, record):
        return Verdict.failed("SPF has no all: every other sender is neutral", evidence=evidence)
    if facts.spf.all_qualifier is None and facts.spf.unknown:
        return Verdict.not_evaluated(f"the redirect could not be followed: {facts.spf.unknown[0]}")
    return Verdict.passed("the record says what to do with other senders")


@check(
    "mail.spf.no_all",
    rationale="A record without end leaves every other sender undecided.",
    remediation="Add -all or ~all at the end.",
    sources=("RFC 7208 section 4.7",),
)
def spf_no_all(facts: MailFacts) -> Verdict:
    record = _unless_one(facts.spf)
    if isinstance(record, Verdict):
        return record
    if (unreadable := _unless_readable(facts, record)) is not None:
        return unreadable
    if _has_no_end(facts, record):
        return Verdict.failed(
            "SPF has neither all nor redirect", evidence={"record": clean(record.text)}
        )
    return Verdict.passed("the record has an end")


def is_enforced(dmarc: DmarcFacts) -> bool:
    """Failing mail is at least set aside; reject under test acts as quarantine (RFC 9989)."""
    record = dmarc.record
    if record is None or record.percent == 0:
        return False
    policy = record.subdomain_policy if dmarc.is_inherited else record.policy
    if policy is Policy.QUARANTINE:
        return not record.is_testing
    return policy is Policy.REJECT


@check(
    "mail.spf.softfail",
    rationale="~all leaves the decision to the receiver, which is right only where DMARC decides.",
    remediation="Enforce DMARC (quarantine or reject), or end the record with -all.",
    sources=("RFC 7208 section 8.5", "RFC 9989", "M3AAWG best practices for managing SPF records"),
)
def spf_softfail(facts: MailFacts) -> Verdict:
    record = _unless_one(facts.spf)
    if isinstance(record, Verdict):
        return record
    if facts.spf.all_qualifier != "~":
        return Verdict.passed("the record does not end with ~all")
    if facts.dmarc.record is None and not facts.dmarc.is_known:
        return Verdict.not_evaluated(f"DMARC could not be looked up: {facts.dmarc.reason}")
    if is_enforced(facts.dmarc):
        return Verdict.passed("~all, and DMARC is enforced")
    return Verdict.failed(
        "SPF ends with ~all and DMARC is not enforced",
        severity=Severity.LOW,
        evidence={"record": clean(record.text)},
    )


@check(
    "mail.spf.ptr",
    rationale="ptr is slow, unreliable, and left out by many receivers.",
    remediation="Replace ptr by ip4, ip6 or a.",
    sources=("RFC 7208 section 5.5",),
)
def spf_ptr(facts: MailFacts) -> Verdict:
    record = _unless_one(facts.spf)
    if isinstance(record, Verdict):
        return record
    if any(term.name == "ptr" for term in record.mechanisms):
        return Verdict.failed("SPF uses ptr", evidence={"record": clean(record.text)})
    return Verdict.passed("the record does without ptr")


CHECKS = (
    spf_missing,
    spf_multiple,
    spf_syntax,
    spf_too_many_lookups,
    spf_pass_all,
    spf_neutral_all,
    spf_no_all,
    spf_softfail,
    spf_ptr,
)
