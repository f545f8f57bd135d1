"""Content networks and web application firewalls, as their own header lines tell. Pure.

Strong signs alone: a line that only the edge itself writes. Body text and cookies are none, and
no list of addresses is bundled, so an edge that keeps quiet is not seen.
"""

from services.scanner.check import Check, Verdict, check
from services.scanner.http.facts import WebFacts
from services.scanner.http.judged import counted_once, unanswered

# Header, what its value begins with or contains (lower case), and who writes it. From the
# operators' own documentation, state of November 2026.
_SIGNS: tuple[tuple[str, str, str], ...] = (
    ("cf-ray", "", "Cloudflare"),
    ("server", "cloudflare", "Cloudflare"),
    ("x-amz-cf-id", "", "Amazon CloudFront"),
    ("via", "cloudfront.net", "Amazon CloudFront"),
    ("x-akamai-transformed", "", "Akamai"),
    ("x-akamai-request-id", "", "Akamai"),
    ("akamai-grn", "", "Akamai"),
    ("server", "akamaighost", "Akamai"),
    ("server", "akamainetstorage", "Akamai"),
    ("x-served-by", "cache-", "Fastly"),
    ("x-fastly-request-id", "", "Fastly"),
    ("x-sucuri-id", "", "Sucuri"),
    ("server", "sucuri/", "Sucuri"),
    ("x-iinfo", "", "Imperva"),
    ("x-cdn", "imperva", "Imperva"),
    ("x-cdn", "incapsula", "Imperva"),
    ("x-azure-ref", "", "Azure Front Door"),
    ("x-vercel-id", "", "Vercel"),
    ("x-nf-request-id", "", "Netlify"),
    ("server", "bunnycdn", "bunny.net"),
    ("cdn-requestid", "", "bunny.net"),
    ("server", "keycdn", "KeyCDN"),
    ("server", "ddos-guard", "DDoS-Guard"),
    ("x-77-pop", "", "CDN77"),
    ("x-edgeconnect-midmile-rtt", "", "Akamai"),
)
_SHOWN = 200


def edges(facts: WebFacts) -> dict[str, str]:
    """Whoever stands in front, with the header line that says so."""
    found: dict[str, str] = {}
    for answer in facts.own_answers:
        for header, mark, who in _SIGNS:
            for value in answer.values(header):
                if mark in value.lower():
                    found.setdefault(who, f"{header}: {value[:_SHOWN]}")
    return found


@check(
    "http.cdn.detected",
    rationale="What answers is the edge of a content network: its open ports and protocols are the"
    " operator's, and the server behind it may still be reachable on its own.",
    remediation="None needed; know the supplier, and let the origin answer to the edge alone.",
    sources=("Regulation (EU) 2024/2690 annex 5.1", "OWASP WSTG-INFO-10"),
)
def no_edge_is_in_front(facts: WebFacts) -> Verdict:
    found = edges(facts)
    if found:
        message = "in front of the site: " + ", ".join(sorted(found))
        return counted_once(facts, Verdict.failed(message, evidence={"signs": found}))
    return unanswered(facts) or Verdict.passed("no header of a content network")


@check(
    "http.waf.none",
    rationale="A filter in front of the application stops many known attacks; none showed itself,"
    " which does not prove that there is none.",
    remediation="None needed; consider a filter for applications that cannot be patched at once.",
    sources=("OWASP WSTG-INFO-10",),
)
def a_filter_shows_itself(facts: WebFacts) -> Verdict:
    found = edges(facts)
    if found:
        return Verdict.passed("an edge that can filter is in front: " + ", ".join(sorted(found)))
    unseen = unanswered(facts)
    if unseen is not None:
        return unseen
    message = "no sign of a web application firewall (its absence is not proven)"
    return counted_once(facts, Verdict.failed(message))


CHECKS: tuple[Check[WebFacts], ...] = (no_edge_is_in_front, a_filter_shows_itself)
