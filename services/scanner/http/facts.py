"""What the web probe saw at one endpoint: plain values, cleaned, judged by the checks."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from services.scanner.address import Address
from services.scanner.http.cookies import Cookie
from services.scanner.http.urls import WebUrl, is_same_site

_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_EMPTY = frozenset({204, 205})


@dataclass(frozen=True, slots=True)
class WebSubject:
    """One endpoint that speaks HTTP. ``host`` is the name, or the address as text."""

    host: str
    address: Address
    port: int
    is_tls: bool


class LoadKind(StrEnum):
    """What an element makes the browser fetch (Mixed Content, W3C)."""

    SCRIPT = "script"
    STYLE = "style"
    FRAME = "frame"
    PLUGIN = "plugin"
    IMAGE = "image"
    MEDIA = "media"

    @property
    def is_active(self) -> bool:
        """It can change the page; pictures and sound cannot."""
        return self not in {LoadKind.IMAGE, LoadKind.MEDIA}


@dataclass(frozen=True, slots=True)
class Load:
    """A subresource of a page, by absolute URL."""

    kind: LoadKind
    url: str
    integrity: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """A form with a password field; ``action`` is the absolute URL it is sent to."""

    action: str


@dataclass(frozen=True, slots=True)
class Page:
    """What the HTML says, as far as it was read."""

    title: str = ""
    loads: tuple[Load, ...] = ()
    password_forms: tuple[Form, ...] = ()
    has_password_field: bool = False
    meta_policies: tuple[str, ...] = ()
    """Content of every ``<meta http-equiv=Content-Security-Policy>``."""
    meta_referrer: str | None = None
    is_whole: bool = True
    """False: there was more than was read, so what is absent here may stand further down."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One response. Cookies are apart from the headers, without their values."""

    url: WebUrl
    address: Address
    """Where it really came from."""
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    """In order, duplicates kept, without Set-Cookie."""
    cookies: tuple[Cookie, ...] = ()
    page: Page | None = None
    """None where the answer is not HTML, or its body could not be read."""
    body_bytes: int = 0
    """On the wire, as far as it was read."""
    body_note: str = ""
    """Why the body is not all there; empty when it is."""
    elapsed_ms: int = 0

    def values(self, name: str) -> tuple[str, ...]:
        """Every value of a header, in order."""
        wanted = name.lower()
        return tuple(value for key, value in self.headers if key.lower() == wanted)

    def first(self, name: str) -> str:
        return next(iter(self.values(name)), "")

    @property
    def content_type(self) -> str:
        return self.first("content-type").partition(";")[0].strip().lower()

    @property
    def is_html(self) -> bool:
        """By its type; without one, by what it begins with (then ``page`` is there)."""
        return self.content_type in _HTML_TYPES or (not self.content_type and self.page is not None)

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004 - RFC 9110 15.3

    @property
    def has_content(self) -> bool:
        return self.is_success and self.status not in _EMPTY

    @property
    def location(self) -> str | None:
        """Where a redirect leads, as it was said; None for every other answer."""
        values = self.values("location")
        return values[0] if self.status in _REDIRECTS and values else None


@dataclass(frozen=True, slots=True)
class PreloadFacts:
    """Whether browsers ship with the host, by a list of one day."""

    is_listed: bool
    list_date: date


class Ending(StrEnum):
    """How a chain of redirects ended."""

    ANSWERED = "answered"
    """The last answer is no redirect."""
    LOOP = "loop"
    TOO_MANY = "too many redirects"
    OFF_SCOPE = "off scope"
    """The next hop is another site: recorded, not fetched (SSRF-5)."""
    REFUSED = "refused"
    """The next hop's address may not be scanned."""
    FAILED = "failed"
    """The next hop did not answer."""
    BAD_LOCATION = "bad location"
    """The next hop is no URL that can be requested."""


@dataclass(frozen=True, slots=True)
class WebFacts:
    """The chain that began at the endpoint's root. ``answers`` holds at least one."""

    subject: WebSubject
    answers: tuple[Answer, ...]
    ending: Ending
    looked_at: datetime
    next_url: WebUrl | None = None
    """The hop that was not taken, or that failed, or that closes the loop."""
    reason: str = field(default="")
    """Why the chain ended before an answer, in words fit for a report."""
    preload: PreloadFacts | None = None
    """None for an address, and for an endpoint without TLS."""

    @property
    def final(self) -> Answer:
        return self.answers[-1]

    @property
    def hops(self) -> tuple[WebUrl, ...]:
        """Every URL of the chain in order, the one that was not fetched included."""
        seen = tuple(answer.url for answer in self.answers)
        return seen if self.next_url is None else (*seen, self.next_url)

    def is_own(self, url: WebUrl) -> bool:
        """Whether what happens at a URL is judged at this endpoint.

        Another port of the same host is an endpoint of its own; the www variant is not, for it
        is seldom a target.
        """
        if url.is_tls != self.subject.is_tls:
            return False
        if url.host == self.subject.host:
            return url.port == self.subject.port
        return is_same_site(url.host, self.subject.host)

    @property
    def own_answers(self) -> tuple[Answer, ...]:
        return tuple(answer for answer in self.answers if self.is_own(answer.url))
