"""security.txt, judged. Pure."""

from services.scanner.check import Check, Verdict, check
from services.scanner.disclosure.facts import DisclosureFacts
from services.scanner.disclosure.security_txt import SecurityTxt

_WHERE = "/.well-known/security.txt"


def _file(facts: DisclosureFacts) -> SecurityTxt | Verdict:
    if facts.unknown:
        return Verdict.not_evaluated(f"security.txt: {facts.unknown}")
    if facts.file is None:
        # A pass: a fault of a file that is gone is gone too, and its absence is told once.
        return Verdict.passed("there is no security.txt that this could be said of")
    return facts.file


@check(
    "sectxt.missing",
    rationale="Whoever finds a hole does not learn whom to tell, so the message is late, lost, or"
    " public.",
    remediation=f"Publish {_WHERE} over https with Contact and Expires.",
    sources=("RFC 9116 3", "ENISA Technical Implementation Guidance 6.10"),
)
def security_txt_is_there(facts: DisclosureFacts) -> Verdict:
    if facts.unknown:
        return Verdict.not_evaluated(f"security.txt: {facts.unknown}")
    if facts.file is None and not facts.is_site:
        return Verdict.not_applicable("what answers there serves no pages")
    if facts.file is None:
        evidence = {"url": facts.url, "status": facts.status, "content_type": facts.content_type}
        return Verdict.failed(f"no security.txt: {facts.absence}", evidence=evidence)
    return Verdict.passed(f"security.txt at {facts.url}")


@check(
    "sectxt.expired",
    rationale="An expired file is to be ignored: its contacts may be somebody else's by now.",
    remediation="Look the file through and set Expires anew, less than a year ahead.",
    sources=("RFC 9116 2.5.5", "RFC 9116 5.3"),
)
def security_txt_is_current(facts: DisclosureFacts) -> Verdict:
    file = _file(facts)
    if isinstance(file, Verdict):
        return file
    if file.expires is None:
        return Verdict.not_evaluated("security.txt has no readable Expires")
    if file.expires < facts.looked_at:
        message = f"security.txt expired on {file.expires:%Y-%m-%d}"
        evidence = {"url": facts.url, "expires": file.expires.isoformat()}
        return Verdict.failed(message, evidence=evidence)
    return Verdict.passed(f"security.txt holds until {file.expires:%Y-%m-%d}")


@check(
    "sectxt.invalid",
    rationale="Programs and people that look for a contact cannot rely on a malformed file.",
    remediation="Correct the file; Contact and exactly one Expires are required.",
    sources=("RFC 9116 2", "RFC 9116 4"),
)
def security_txt_is_well_formed(facts: DisclosureFacts) -> Verdict:
    file = _file(facts)
    if isinstance(file, Verdict):
        return file
    if file.faults:
        message = "security.txt: " + "; ".join(file.faults)
        evidence = {"url": facts.url, "faults": list(file.faults)}
        return Verdict.failed(message[:500], evidence=evidence)
    return Verdict.passed("security.txt is well-formed")


@check(
    "sectxt.unsigned",
    rationale="Without a signature nobody can tell whether the contacts were put there by the"
    " organisation or by an intruder.",
    remediation="Sign the file with an OpenPGP cleartext signature (optional).",
    sources=("RFC 9116 2.3", "RFC 9580 7"),
)
def security_txt_is_signed(facts: DisclosureFacts) -> Verdict:
    file = _file(facts)
    if isinstance(file, Verdict):
        return file
    if file.is_signed:
        return Verdict.passed("security.txt is signed (the signature was not verified)")
    return Verdict.failed("security.txt is not signed", evidence={"url": facts.url})


CHECKS: tuple[Check[DisclosureFacts], ...] = (
    security_txt_is_there,
    security_txt_is_current,
    security_txt_is_well_formed,
    security_txt_is_signed,
)
