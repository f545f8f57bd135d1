"""Checks of DKIM, MTA-STS, TLS-RPT and DANE, as far as DNS tells. Pure."""

from services.scanner.check import Problem, Severity, Verdict, check
from services.scanner.dns.facts import Security
from services.scanner.dns.zone import clean
from services.scanner.mail.facts import DkimKey, MailFacts, MxFacts, TextFacts
from services.scanner.resolver import Lookup

_BROKEN_RSA_BITS = 1024
_SMALLEST_RSA_BITS = 2048


def unless_mail(name: str, mx: MxFacts) -> Verdict | None:
    """Why a check of mail servers has nothing to judge; None where it has."""
    if not mx.is_known:
        return Verdict.not_evaluated(f"MX could not be looked up: {mx.reason}")
    if not mx.takes_mail:
        return Verdict.not_applicable(f"{name} takes no mail")
    return None


@check(
    "mail.dkim.missing",
    rationale="Without DKIM a receiver cannot tell that a forwarded message is yours.",
    remediation="Sign outgoing mail and publish the key under a selector.",
    sources=("RFC 6376", "RFC 8020"),
)
def dkim_missing(facts: MailFacts) -> Verdict:
    if (no_mail := unless_mail(facts.name, facts.mx)) is not None:
        return no_mail
    dkim = facts.dkim
    if any(not key.is_revoked for key in dkim.keys):
        return Verdict.passed("keys under " + ", ".join(sorted({k.selector for k in dkim.keys})))
    if dkim.below in {Lookup.NODATA, Lookup.PRESENT}:
        return Verdict.passed("keys exist below _domainkey, under selectors of your own")
    if dkim.reason or dkim.below is not Lookup.NXDOMAIN:
        return Verdict.not_evaluated(f"selectors could not be looked up: {dkim.reason}")
    return Verdict.failed("No DKIM key was found: nothing exists below _domainkey")


@check(
    "mail.dkim.weak_key",
    rationale="Whoever computes the private key of a short RSA key signs as you.",
    remediation="Use RSA with 2048 bits, Ed25519 besides, and withdraw the old selector.",
    sources=("RFC 8301 section 3.2", "RFC 8463"),
)
def dkim_weak_key(facts: MailFacts) -> Verdict:
    usable = [key for key in facts.dkim.keys if not key.is_revoked]
    problems = tuple(
        _weak(key) for key in usable if key.bits is not None and key.bits < _SMALLEST_RSA_BITS
    )
    if problems:
        return Verdict.failed_each(problems)
    if facts.dkim.reason:
        return Verdict.not_evaluated(f"selectors could not be looked up: {facts.dkim.reason}")
    if not usable:
        return Verdict.not_applicable("no key was found under a common selector")
    return Verdict.passed(f"{len(usable)} key(s) of sufficient size")


def _weak(key: DkimKey) -> Problem:
    is_broken = key.bits is not None and key.bits < _BROKEN_RSA_BITS
    return Problem(
        f"The DKIM key of selector {key.selector} has {key.bits} bits",
        discriminator=key.selector,
        severity=Severity.HIGH if is_broken else None,
        evidence={"selector": key.selector, "bits": key.bits, "testing": key.is_testing},
    )


def _published(
    facts: MailFacts, found: TextFacts, what: str, severity: Severity | None = None
) -> Verdict:
    if (no_mail := unless_mail(facts.name, facts.mx)) is not None:
        return no_mail
    if not found.is_known:
        return Verdict.not_evaluated(f"{what} could not be looked up: {found.reason}")
    if len(found.texts) == 1:
        return Verdict.passed(f"{what} is published")
    words = f"{len(found.texts)} {what} records, so none counts" if found.texts else f"No {what}"
    return Verdict.failed(words, severity=severity)


@check(
    "mail.mtasts.missing",
    rationale="Without MTA-STS or DANE whoever sits on the path can strip the encryption of mail "
    "that is sent to you.",
    remediation="Publish the policy at mta-sts.<domain> and the _mta-sts TXT record.",
    sources=("RFC 8461 section 3.1",),
)
def mta_sts_missing(facts: MailFacts) -> Verdict:
    has_dane = bool(facts.tlsa) and all(found.is_secure for found in facts.tlsa)
    return _published(facts, facts.mta_sts, "MTA-STS", Severity.INFO if has_dane else None)


@check(
    "mail.tlsrpt.missing",
    rationale="Without TLS reports nobody tells you that senders fail to reach you encrypted.",
    remediation='Publish "v=TLSRPTv1; rua=mailto:…" at _smtp._tls.',
    sources=("RFC 8460 section 3",),
)
def tls_rpt_missing(facts: MailFacts) -> Verdict:
    return _published(facts, facts.tls_rpt, "TLS-RPT")


@check(
    "mail.dane.missing",
    rationale="Without DANE or MTA-STS whoever sits on the path can strip the encryption of mail "
    "that is sent to you.",
    remediation="Sign the zones, and publish TLSA 3 1 1 records for the mail servers.",
    sources=("RFC 7672 section 2.2", "RFC 6698"),
)
def dane_missing(facts: MailFacts) -> Verdict:
    if (no_mail := unless_mail(facts.name, facts.mx)) is not None:
        return no_mail
    without = [found for found in facts.tlsa if found.is_absent]
    if without:
        owners = [found.owner for found in without]
        shown = clean(", ".join(owners[:3]))
        return Verdict.failed(f"No TLSA record at {shown}", evidence={"missing": owners})
    unknown = next((t for t in facts.tlsa if t.lookup is not Lookup.PRESENT), None)
    if unknown is not None:
        return Verdict.not_evaluated(f"TLSA could not be looked up: {unknown.reason}")
    return Verdict.passed(f"TLSA is published for {len(facts.tlsa)} mail server(s)")


@check(
    "mail.dane.no_dnssec",
    rationale="Senders ignore TLSA records that DNSSEC does not protect: they could be anybody's.",
    remediation="Sign the zone of the mail server and hand its DS record to the registrar.",
    sources=("RFC 7672 section 2.2.2", "RFC 6698 section 4.1"),
)
def dane_no_dnssec(facts: MailFacts) -> Verdict:
    if (no_mail := unless_mail(facts.name, facts.mx)) is not None:
        return no_mail
    published = [found for found in facts.tlsa if found.records]
    if not published:
        unknown = next((t for t in facts.tlsa if not t.is_absent), None)
        if unknown is not None:
            return Verdict.not_evaluated(f"TLSA could not be looked up: {unknown.reason}")
        return Verdict.not_applicable("there is no TLSA record")
    problems = tuple(
        Problem(
            f"TLSA at {clean(t.owner)} is not protected by DNSSEC: {t.reason}",
            discriminator=clean(t.owner),
            evidence={"records": [str(r) for r in t.records[:5]], "security": t.security.value},
        )
        for t in published
        if t.security in {Security.INSECURE, Security.BOGUS}
    )
    if problems:
        return Verdict.failed_each(problems)
    unknown = next((t for t in published if not t.is_secure), None)
    if unknown is not None:
        return Verdict.not_evaluated(f"DNSSEC could not be checked: {unknown.reason}")
    return Verdict.passed("DNSSEC protects every TLSA record")


CHECKS = (
    dkim_missing,
    dkim_weak_key,
    mta_sts_missing,
    tls_rpt_missing,
    dane_missing,
    dane_no_dnssec,
)
