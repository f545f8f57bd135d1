"""The web probe: from the root of one endpoint along its redirects, every hop vetted again."""

import asyncio
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from services.scanner.address import Address, AddressRefused
from services.scanner.context import ProbeContext
from services.scanner.http.client import Exchange, fetch
from services.scanner.http.cookies import Cookie, CookieJar, parse_set_cookie
from services.scanner.http.facts import Answer, Ending, Page, WebFacts, WebSubject
from services.scanner.http.page import read_page
from services.scanner.http.preload import find_preload
from services.scanner.http.urls import WebUrl, is_same_site, literal_address, resolve_location
from services.scanner.suite import ProbeError
from services.scanner.text import clean

MAX_HOPS = 10
_CHAIN_TIME_FACTOR = 3
"""A whole chain may take so many times as long as one exchange (TGT-1)."""
_MAX_HEADER_VALUE = 8192
_MAX_COOKIES = 50
_HTML_STARTS = ("<!doctype html", "<html")
_UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_CHARSETS = frozenset(
    {
        "big5",
        "euc-jp",
        "euc-kr",
        "gb18030",
        "gb2312",
        "gbk",
        "iso-8859-1",
        "iso-8859-2",
        "iso-8859-15",
        "koi8-r",
        "shift_jis",
        "utf-16",
        "windows-1250",
        "windows-1251",
        "windows-1252",
        "windows-1254",
    }
)
"""Encodings of real pages; everything else is read as UTF-8, which all our findings survive."""


@dataclass(slots=True)
class _Chain:
    """The walk along one chain of redirects."""

    context: ProbeContext
    subject: WebSubject
    looked_at: datetime
    deadline: float
    """Of the monotonic clock."""
    jar: CookieJar = field(default_factory=CookieJar)
    answers: list[Answer] = field(default_factory=list[Answer])
    seen: set[tuple[WebUrl, str]] = field(default_factory=set[tuple[WebUrl, str]])

    async def walk(self) -> WebFacts:
        url = WebUrl(
            "https" if self.subject.is_tls else "http", self.subject.host, self.subject.port
        )
        address = self.subject.address
        while True:
            refusal = self._refuse_repetition(url)
            if refusal is not None:
                return refusal
            try:
                answer = await self._ask(url, await self._vet(url, address))
            except (ProbeError, OSError) as error:
                if not self.answers:
                    raise
                ending = Ending.REFUSED if isinstance(error, AddressRefused) else Ending.FAILED
                return self._end(ending, url, str(error) or type(error).__name__)
            self.answers.append(answer)
            address = answer.address
            following = self._following(answer)
            if isinstance(following, WebFacts):
                return following
            url = following

    def _refuse_repetition(self, url: WebUrl) -> WebFacts | None:
        key = (url, self.jar.header_for(url))
        if key in self.seen:
            return self._end(Ending.LOOP, url, f"{clean(str(url), 300)} comes up again")
        if len(self.answers) > MAX_HOPS:
            return self._end(Ending.TOO_MANY, url, f"more than {MAX_HOPS} redirects")
        self.seen.add(key)
        return None

    def _following(self, answer: Answer) -> WebUrl | WebFacts:
        """The next hop, or the end of the chain."""
        if answer.location is None:
            return self._end(Ending.ANSWERED, None, "")
        try:
            url = resolve_location(answer.url, answer.location)
        except ValueError as error:
            reason = f"{clean(answer.location, 200)!r}: {clean(str(error), 200)}"
            return self._end(Ending.BAD_LOCATION, None, reason)
        if not is_same_site(url.host, self.subject.host):
            return self._end(Ending.OFF_SCOPE, url, f"{url.origin} is another site")
        return url

    async def _vet(self, url: WebUrl, address: Address) -> Address:
        """Where to fetch a hop from. Raises AddressRefused when any address of it is forbidden."""
        policy = self.context.connector.policy
        literal = url.address
        if literal is not None:
            return policy.check(literal, url.port)
        if not self.answers:
            return policy.check(address, url.port)  # the first hop was resolved by the engine
        found = await self.context.resolver.addresses(url.host)
        if not found.addresses:
            raise ProbeError(f"{url.host} has no address: {found.reason}")
        for candidate in found.addresses:
            policy.check(candidate, url.port)
        return address if address in found.addresses else found.addresses[0]

    async def _ask(self, url: WebUrl, address: Address) -> Answer:
        left_s = self.deadline - time.monotonic()
        if left_s <= 0:
            raise ProbeError("the chain of redirects took too long")
        cookies = self.jar.header_for(url)
        exchange = await fetch(
            self.context,
            url,
            address,
            headers={"Cookie": cookies} if cookies else None,
            timeout_s=min(self.context.options.exchange_timeout_s, left_s),
        )
        # Reading HTML is work for the processor: a thread, so that other targets go on.
        page = await asyncio.to_thread(_page, exchange, url)
        return Answer(
            url=url,
            address=address,
            status=exchange.status,
            headers=tuple(
                (clean(name.decode("latin-1"), 128), _text(value))
                for name, value in exchange.headers
                if name.lower() != b"set-cookie"
            ),
            cookies=self._accept_cookies(exchange, url),
            page=page,
            body_bytes=exchange.wire_bytes,
            body_note=exchange.body_note,
            elapsed_ms=exchange.elapsed_ms,
        )

    def _accept_cookies(self, exchange: Exchange, url: WebUrl) -> tuple[Cookie, ...]:
        lines = [value for name, value in exchange.headers if name.lower() == b"set-cookie"]
        cookies: list[Cookie] = []
        for line in lines[:_MAX_COOKIES]:
            parsed = parse_set_cookie(line.decode("utf-8", "replace"))
            if parsed is not None:
                cookies.append(parsed[0])
                self.jar.accept(*parsed, url, self.looked_at)
        return tuple(cookies)

    def _end(self, ending: Ending, next_url: WebUrl | None, reason: str) -> WebFacts:
        return WebFacts(
            self.subject,
            tuple(self.answers),
            ending,
            self.looked_at,
            next_url,
            clean(reason, 500),
        )


async def probe_web(context: ProbeContext, subject: WebSubject) -> WebFacts:
    """Follow the redirects of ``/`` within the same site, at most ten, and keep every answer.

    Raises ProbeError, AddressRefused when not even the first answer can be had; what happens
    later is told by the facts' ending.
    """
    limit_s = _CHAIN_TIME_FACTOR * context.options.exchange_timeout_s
    chain = _Chain(context, subject, datetime.now(UTC), time.monotonic() + limit_s)
    facts = await chain.walk()
    if not subject.is_tls or literal_address(subject.host) is not None:
        return facts
    file = context.options.hsts_preload_file
    preload = await asyncio.to_thread(find_preload, file, subject.host)
    return replace(facts, preload=preload)


def _text(value: bytes) -> str:
    """A header value. Folded lines and tabs are white space (RFC 9112 5.2), not an attack."""
    text = value.decode("utf-8", "replace")
    for space in ("\r\n", "\n", "\t"):
        text = text.replace(space, " ")
    return clean(text.strip(), _MAX_HEADER_VALUE)


def _page(exchange: Exchange, url: WebUrl) -> Page | None:
    declared = next((v for k, v in exchange.headers if k.lower() == b"content-type"), b"")
    essence, _, parameters = declared.decode("latin-1").lower().partition(";")
    if not exchange.body:
        return None
    html = _decode(exchange.body, parameters)
    is_html = essence.strip() in {"text/html", "application/xhtml+xml"} or (
        not essence.strip() and html.lstrip("\ufeff \t\r\n")[:20].lower().startswith(_HTML_STARTS)
    )
    return read_page(html, str(url), is_whole=not exchange.body_note) if is_html else None


def _decode(body: bytes, parameters: str) -> str:
    charset = parameters.partition("charset=")[2].partition(";")[0].strip(" \t\"'")
    charset = _UTF16.get(body[:2], charset)
    return body.decode(charset if charset in (*_CHARSETS, *_UTF16.values()) else "utf-8", "replace")
