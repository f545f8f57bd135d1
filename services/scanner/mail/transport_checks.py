"""Checks of the way mail takes: STARTTLS, certificates, DANE, MTA-STS. Pure."""

from services.scanner.check import Problem, Severity, Verdict, check
from services.scanner.dns.zone import clean
from services.scanner.mail.checks import unless_mail
from services.scanner.mail.dane import why_no_match
from services.scanner.mail.mta_sts import SHORTEST_S, StsPolicy
from services.scanner.mail.transport_facts import (
    MxHost,
    MxServer,
    SmtpState,
    StsFacts,
    StsState,
    TransportFacts,
)
from services.scanner.tls.certificate_checks import shown
from services.scanner.tls.facts import Support, TrustStatus
from services.scanner.tls.wire import Version

_MOST_REASON = 200
_LEGACY = (Version.TLS11, Version.TLS10, Version.SSL3)


def _silence(hosts: list[MxHost]) -> str:
    """Why nothing is known of some hosts, in a sentence."""
    words = "; ".join(f"{clean(host.name)}: {host.silence}" for host in hosts)
    return clean(words)[:_MOST_REASON]


def _unless_seen(facts: TransportFacts) -> Verdict | None:
    """None where each mail server answered at one address at least."""
    if (no_mail := unless_mail(facts.name, facts.mx)) is not None:
        return no_mail
    silent = [host for host in facts.hosts if not host.answering]
    if silent or not facts.hosts:
        return Verdict.not_evaluated(f"not every mail server could be asked: {_silence(silent)}")
    return None


@check(
    "mail.starttls.missing",
    rationale="Mail to a server without STARTTLS crosses the Internet readable and changeable for "
    "everybody on the way.",
    remediation="Switch STARTTLS on, with a certificate for the name of the mail server.",
    sources=("RFC 3207", "RFC 8314 section 3", "Regulation (EU) 2024/2690 annex 6.7.2(k)"),
)
def starttls_missing(facts: TransportFacts) -> Verdict:
    problems = tuple(p for host in facts.hosts if (p := _without_starttls(host)) is not None)
    if problems:
        return Verdict.failed_each(problems)
    if (unseen := _unless_seen(facts)) is not None:
        return unseen
    return Verdict.passed(f"{len(facts.hosts)} mail server(s) offer STARTTLS")


def _without_starttls(host: MxHost) -> Problem | None:
    bare = [s for s in host.answering if s.talk.state is not SmtpState.READY]
    if not bare:
        return None
    is_everywhere = len(bare) == len(host.answering)
    at = ", ".join(str(server.address) for server in bare)
    return Problem(
        f"{clean(host.name)} ({at}) does not do STARTTLS: {clean(bare[0].talk.reason)}",
        discriminator=clean(host.name),
        severity=None if is_everywhere else Severity.MEDIUM,
        evidence={
            "addresses": [str(server.address) for server in bare],
            "greeting": bare[0].talk.greeting,
            "extensions": list(bare[0].talk.extensions[:20]),
        },
    )


@check(
    "mail.starttls.legacy_tls",
    rationale="Old versions of TLS are broken; between mail servers they still beat no encryption, "
    "so that this ranks lower than on a web site.",
    remediation="Accept TLS 1.2 and 1.3 only, as soon as the mail flow allows.",
    sources=("RFC 8996", "RFC 9325 (BCP 195)", "RFC 7568"),
)
def legacy_tls(facts: TransportFacts) -> Verdict:
    problems = tuple(p for host in facts.hosts if (p := _old_versions(host)) is not None)
    if problems:
        return Verdict.failed_each(problems)
    if (unseen := _unless_seen(facts)) is not None:
        return unseen
    speaking = [s for host in facts.hosts for s in host.answering if s.versions]
    if not speaking:
        return Verdict.not_evaluated("no mail server began to speak TLS")
    unknown = [s for s in speaking if Support.UNKNOWN in {s.support(v) for v in _LEGACY}]
    if unknown:
        return Verdict.not_evaluated(f"{unknown[0].address} did not answer every hello")
    return Verdict.passed("no mail server accepts anything older than TLS 1.2")


def _old_versions(host: MxHost) -> Problem | None:
    accepted = {v for s in host.servers for v in _LEGACY if s.support(v) is Support.ACCEPTED}
    if not accepted:
        return None
    labels = [version.label for version in sorted(accepted)]
    return Problem(
        f"{clean(host.name)} accepts {', '.join(labels)}",
        discriminator=clean(host.name),
        severity=Severity.MEDIUM if Version.SSL3 in accepted else None,
        evidence={"versions": labels, "addresses": [str(s.address) for s in host.servers]},
    )


@check(
    "mail.starttls.cert",
    rationale="A sender that verifies (MTA-STS, DANE, a partner's rule) refuses the certificate or "
    "cannot tell the server from an impostor.",
    remediation="Use a certificate of a public authority for the name in MX, or publish TLSA.",
    sources=("RFC 3207 section 4.1", "RFC 8461 section 4.2", "RFC 7672 section 3"),
)
def starttls_cert(facts: TransportFacts) -> Verdict:
    seen = [(host, s) for host in facts.hosts for s in host.servers if s.certificate.leaf]
    # Opportunistic senders verify nothing: a finding only where others are told to.
    severity = None if facts.is_verified_by_senders else Severity.INFO
    problems: dict[str, Problem] = {}
    for host, server in seen:
        fault = _certificate_fault(facts, host, server)
        if fault:
            problems.setdefault(host.name, _bad_certificate(host, server, fault, severity))
    if problems:
        return Verdict.failed_each(tuple(problems.values()))
    if (unseen := _unless_seen(facts)) is not None:
        return unseen
    if not any(s.talk.state is SmtpState.READY for host in facts.hosts for s in host.servers):
        return Verdict.not_applicable("no mail server begins to speak TLS")
    without = [host for host in facts.hosts if host not in [h for h, _ in seen]]
    if without:
        problem = next((s.certificate.problem for s in without[0].servers), "")
        return Verdict.not_evaluated(f"{clean(without[0].name)} showed no certificate: {problem}")
    if any(s.certificate.trust.status is TrustStatus.UNKNOWN for _, s in seen):
        return Verdict.not_evaluated("a certificate could not be assessed")
    return Verdict.passed("every mail server shows a certificate that verifies, or is pinned")


def _certificate_fault(facts: TransportFacts, host: MxHost, server: MxServer) -> str:
    """Empty as well where DANE vouches for the certificate: then nobody asks an authority."""
    certificate = server.certificate
    if certificate.trust.status is TrustStatus.UNKNOWN:
        return ""
    if host.tlsa.is_secure and not _mismatch(facts, host, server):
        return ""
    return certificate.fault(facts.observed_at)


def _bad_certificate(
    host: MxHost, server: MxServer, fault: str, severity: Severity | None
) -> Problem:
    leaf = server.certificate.leaf
    return Problem(
        f"The certificate of {clean(host.name)} is not valid: {fault}",
        discriminator=clean(host.name),
        severity=severity,
        evidence={"address": str(server.address), **({} if leaf is None else shown(leaf))},
    )


def _mismatch(facts: TransportFacts, host: MxHost, server: MxServer) -> str:
    names = (host.name, facts.name)
    return why_no_match(host.tlsa.records, server.certificate.sent, names, facts.observed_at)


@check(
    "mail.dane.mismatch",
    rationale="Senders that follow DANE do not deliver: the pinned key is not the one in use.",
    remediation="Publish the new key's record before a renewal, and keep the old one meanwhile.",
    sources=("RFC 7672 section 3", "RFC 7671 section 8.1"),
)
def dane_mismatch(facts: TransportFacts) -> Verdict:
    if (no_mail := unless_mail(facts.name, facts.mx)) is not None:
        return no_mail
    pinned = [host for host in facts.hosts if host.tlsa.is_secure]
    if not pinned:
        return _without_dane(facts)
    problems = tuple(p for host in pinned if (p := _unpinned(facts, host)) is not None)
    if problems:
        return Verdict.failed_each(problems)
    silent = [h for h in pinned if not any(s.certificate.sent for s in h.servers)]
    if silent:
        return Verdict.not_evaluated(f"no certificate was seen: {_silence(silent)}")
    return Verdict.passed(f"TLSA matches the certificate of {len(pinned)} mail server(s)")


def _without_dane(facts: TransportFacts) -> Verdict:
    unknown = [h for h in facts.hosts if not h.tlsa.is_absent and not h.tlsa.records]
    if unknown:
        return Verdict.not_evaluated(f"TLSA could not be looked up: {unknown[0].tlsa.reason}")
    return Verdict.not_applicable("no mail server has a TLSA record that DNSSEC protects")


def _unpinned(facts: TransportFacts, host: MxHost) -> Problem | None:
    shown_by = [server for server in host.servers if server.certificate.sent]
    failures = {server.address: _mismatch(facts, host, server) for server in shown_by}
    wrong = {address: why for address, why in failures.items() if why}
    if not wrong:
        return None
    is_usable = any(record.is_usable for record in host.tlsa.records)
    return Problem(
        f"TLSA of {clean(host.name)} does not match: {next(iter(wrong.values()))}",
        discriminator=clean(host.name),
        severity=None if is_usable else Severity.LOW,  # ignored, so that mail still arrives
        evidence={
            "records": [str(record) for record in host.tlsa.records[:10]],
            "addresses": [str(address) for address in wrong],
        },
    )


@check(
    "mail.mtasts.invalid",
    rationale="A policy that cannot be fetched or read protects no sender, and one that forgets a "
    "mail server makes senders refuse it.",
    remediation="Serve a valid policy over HTTPS, without redirects, with every MX named.",
    sources=("RFC 8461 section 3.2", "RFC 8461 section 3.3"),
)
def mta_sts_invalid(facts: TransportFacts) -> Verdict:
    if (nothing := _unless_announced(facts)) is not None:
        return nothing
    errors = list(facts.sts.record_errors)
    if facts.sts.state is StsState.NOT_SERVED:
        errors.append(facts.sts.reason)
    if facts.sts.policy is not None:
        errors += _policy_errors(facts.sts.policy, facts.mx.hosts)
    if errors:
        words = clean("; ".join(errors[:5]))
        return Verdict.failed(
            f"MTA-STS does not work: {words}", evidence={"errors": [clean(e) for e in errors[:20]]}
        )
    if facts.sts.state is StsState.UNKNOWN:
        return Verdict.not_evaluated(f"the policy could not be fetched: {clean(facts.sts.reason)}")
    return Verdict.passed("the policy is valid and names every MX")


def _policy_errors(policy: StsPolicy, hosts: tuple[str, ...]) -> list[str]:
    errors = list(policy.errors)
    if policy.mode == "none":
        errors.append("mode none switches MTA-STS off")
    elif policy.mx:
        errors += [f"MX {host} is not named" for host in hosts if not policy.covers(host)]
    if policy.max_age_s is not None and policy.max_age_s < SHORTEST_S:
        errors.append(f"max_age of {policy.max_age_s} s is shorter than a day")
    return errors


def _unless_announced(facts: TransportFacts) -> Verdict | None:
    if (no_mail := unless_mail(facts.name, facts.mx)) is not None:
        return no_mail
    if facts.sts.state is StsState.NOT_ANNOUNCED:
        return Verdict.not_applicable("no MTA-STS record is published")
    return None


@check(
    "mail.mtasts.testing",
    rationale="In testing mode senders report faults and deliver in clear all the same.",
    remediation="Set mode to enforce once the reports are clean.",
    sources=("RFC 8461 section 5",),
)
def mta_sts_testing(facts: TransportFacts) -> Verdict:
    if (nothing := _unless_announced(facts)) is not None:
        return nothing
    return _by_mode(facts.sts)


def _by_mode(sts: StsFacts) -> Verdict:
    if sts.policy is None:
        return Verdict.not_evaluated(f"there is no policy to read: {clean(sts.reason)}")
    match sts.policy.mode:
        case "testing":
            return Verdict.failed("MTA-STS is in testing mode")
        case "enforce":
            return Verdict.passed("MTA-STS is enforced")
        case mode:
            return Verdict.not_evaluated(f"the policy's mode is {clean(mode)!r}")


CHECKS = (
    starttls_missing,
    legacy_tls,
    starttls_cert,
    dane_mismatch,
    mta_sts_invalid,
    mta_sts_testing,
)
