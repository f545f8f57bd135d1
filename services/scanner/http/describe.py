"""The facts as a JSON-ready document, for a target's ``http_info``."""

from services.scanner.http.cookies import Cookie
from services.scanner.http.facts import Answer, WebFacts
from services.scanner.text import clean

_MAX_HEADERS = 60
_MAX_VALUE = 500
_MAX_COOKIES = 30


def describe(facts: WebFacts) -> dict[str, object]:
    """The final answer in full, the hops in short, cookies without their values."""
    final = facts.final
    return {
        "looked_at": facts.looked_at.isoformat(),
        "host": facts.subject.host,
        "address": str(facts.subject.address),
        "status": final.status,
        "final_url": clean(str(final.url), _MAX_VALUE),
        "ending": facts.ending.value,
        "reason": facts.reason,
        "next_url": None if facts.next_url is None else clean(str(facts.next_url), _MAX_VALUE),
        "hops": [_hop(answer) for answer in facts.answers],
        "server": final.first("server")[:_MAX_VALUE] or None,
        "title": (final.page.title if final.page else "") or None,
        "content_type": final.content_type[:_MAX_VALUE] or None,
        "body_bytes": final.body_bytes,
        "body_note": final.body_note,
        "headers": [
            {"name": name, "value": clean(value, _MAX_VALUE)}
            for name, value in final.headers[:_MAX_HEADERS]
        ],
        "headers_omitted": max(0, len(final.headers) - _MAX_HEADERS),
        "cookies": _cookies(facts),
    }


def _hop(answer: Answer) -> dict[str, object]:
    return {
        "url": clean(str(answer.url), _MAX_VALUE),
        "address": str(answer.address),
        "status": answer.status,
        "location": None if answer.location is None else clean(answer.location, _MAX_VALUE),
        "elapsed_ms": answer.elapsed_ms,
    }


def _cookies(facts: WebFacts) -> list[dict[str, object]]:
    every = [(answer, cookie) for answer in facts.answers for cookie in answer.cookies]
    return [_cookie(answer, cookie) for answer, cookie in every[:_MAX_COOKIES]]


def _cookie(answer: Answer, cookie: Cookie) -> dict[str, object]:
    return {
        "name": cookie.name,
        "set_by": answer.url.origin,
        "secure": cookie.is_secure,
        "http_only": cookie.is_http_only,
        "same_site": cookie.same_site,
        "domain": cookie.domain,
        "path": cookie.path,
        "persistent": cookie.is_persistent,
    }
