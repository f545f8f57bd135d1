"""Remote desktops, file services, terminals, and what answers on UDP. Pure."""

from services.scanner.check import Check, Severity, Verdict, check
from services.scanner.service.checks import judge_access
from services.scanner.service.facts import Access, Kind, ServiceFacts
from services.scanner.tls.facts import Support

_NETWORK = "Implementing Regulation (EU) 2024/2690, annex 6.7.2"
_ACCESS = "Implementing Regulation (EU) 2024/2690, annex 11.6.1"
_CRYPTOGRAPHY = "Implementing Regulation (EU) 2024/2690, annex 9.2(b)"


@check(
    "svc.vnc.unauthenticated",
    rationale="Anyone on the internet sees the screen and moves the mouse.",
    remediation="Require authentication, and put the service behind a VPN.",
    sources=("RFC 6143 7.2.1", _ACCESS, "CWE-306"),
)
def vnc_asks_for_a_login(facts: ServiceFacts) -> Verdict:
    if facts.product != "VNC":
        return Verdict.passed("what answers here is no VNC server")
    return judge_access(facts, Kind.DESKTOP, "VNC server")


@check(
    "svc.remote_admin.exposed",
    rationale="Remote administration is what ransomware groups look for first: they try stolen"
    " passwords there day and night.",
    remediation="Put it behind a VPN or a gateway that asks for a second factor.",
    sources=(f"{_NETWORK}(d)", "CISA BOD 23-02", "Implementing Regulation 2024/2690, annex 11.3"),
)
def remote_administration_is_not_reachable(facts: ServiceFacts) -> Verdict:
    if facts.kind is not Kind.DESKTOP:
        return Verdict.passed("what answers here is no remote administration")
    if facts.product == "VNC" and facts.access is Access.OPEN:
        return Verdict.not_applicable("it asks for no login, which has a check of its own")
    severity = Severity.CRITICAL if facts.access is Access.OPEN else None
    return Verdict.failed(
        f"{facts.product} can be reached by everybody: {facts.proof}",
        severity=severity,
        evidence=facts.evidence,
    )


@check(
    "svc.smb.exposed",
    rationale="Windows file sharing was the way of WannaCry and NotPetya; nothing on the"
    " internet needs it.",
    remediation="Block ports 139 and 445 at the border, and switch SMB 1 off.",
    sources=(f"{_NETWORK}(c)", "CISA SMB security best practices", "CVE-2017-0144"),
)
def file_sharing_is_not_reachable(facts: ServiceFacts) -> Verdict:
    if facts.kind is not Kind.FILE_SHARE:
        return Verdict.passed("what answers here is no file sharing")
    has_smb1 = facts.legacy is Support.ACCEPTED
    return Verdict.failed(
        f"SMB can be reached by everybody: {facts.proof}" + (", and takes SMB 1" * has_smb1),
        severity=Severity.CRITICAL if has_smb1 else None,
        evidence=facts.evidence,
    )


@check(
    "svc.cleartext.telnet",
    rationale="Names and passwords cross the network in the clear.",
    remediation="Replace Telnet by SSH.",
    sources=("RFC 854", _CRYPTOGRAPHY, "CWE-319"),
)
def terminal_is_encrypted(facts: ServiceFacts) -> Verdict:
    if facts.kind is not Kind.TERMINAL:
        return Verdict.passed("what answers here is no terminal")
    return Verdict.failed("Telnet offers a terminal in the clear", evidence=facts.evidence)


@check(
    "svc.cleartext.ftp",
    rationale="Names, passwords and files cross the network in the clear.",
    remediation="Use SFTP, or require TLS before the login.",
    sources=("RFC 4217", _CRYPTOGRAPHY, "CWE-319"),
)
def ftp_offers_tls(facts: ServiceFacts) -> Verdict:
    if facts.kind is not Kind.FTP:
        return Verdict.passed("what answers here is no FTP server")
    match facts.tls:
        case Support.ACCEPTED:
            return Verdict.passed("the server offers TLS")
        case Support.REFUSED:
            return Verdict.failed("FTP without TLS", evidence=facts.evidence)
        case Support.UNKNOWN:
            reason = facts.problem or "the server did not say whether it has TLS"
            return Verdict.not_evaluated(reason)


@check(
    "svc.ftp.anonymous",
    rationale="Anyone can read the files there, and often leave some of his own.",
    remediation="Switch anonymous logins off, or accept the finding for a public mirror.",
    sources=("RFC 1635", _ACCESS, "CWE-306"),
)
def ftp_asks_for_a_login(facts: ServiceFacts) -> Verdict:
    return judge_access(facts, Kind.FTP, "FTP server")


@check(
    "svc.snmp.public",
    rationale="The community string is the password, and this one everybody knows: it tells the"
    " device's model, interfaces and neighbours.",
    remediation="Use SNMP version 3, or close the port to the internet.",
    sources=("RFC 3414", _ACCESS, "CWE-1392"),
)
def management_has_a_secret(facts: ServiceFacts) -> Verdict:
    return judge_access(facts, Kind.MANAGEMENT, "management agent")


@check(
    "svc.dns.open_resolver",
    rationale="Attackers let such a server answer to their victims: a small question becomes a"
    " large answer.",
    remediation="Answer recursive questions of your own networks only.",
    sources=("RFC 5358", f"{_NETWORK}(l)"),
)
def recursion_is_restricted(facts: ServiceFacts) -> Verdict:
    if facts.kind is not Kind.RESOLVER:
        return Verdict.passed("no DNS server answers here")
    match facts.access:
        case Access.OPEN:
            return Verdict.failed(
                f"looks up names for everybody: {facts.proof}", evidence=facts.evidence
            )
        case Access.DENIED:
            return Verdict.passed(f"does not look up names for strangers: {facts.proof}")
        case Access.UNKNOWN:
            return Verdict.not_evaluated(facts.problem)


REMOTE_CHECKS: tuple[Check[ServiceFacts], ...] = (remote_administration_is_not_reachable,)
VNC_CHECKS: tuple[Check[ServiceFacts], ...] = (vnc_asks_for_a_login, *REMOTE_CHECKS)
SMB_CHECKS: tuple[Check[ServiceFacts], ...] = (file_sharing_is_not_reachable,)
TERMINAL_CHECKS: tuple[Check[ServiceFacts], ...] = (terminal_is_encrypted,)
FTP_CHECKS: tuple[Check[ServiceFacts], ...] = (ftp_offers_tls, ftp_asks_for_a_login)
SNMP_CHECKS: tuple[Check[ServiceFacts], ...] = (management_has_a_secret,)
RESOLVER_CHECKS: tuple[Check[ServiceFacts], ...] = (recursion_is_restricted,)
