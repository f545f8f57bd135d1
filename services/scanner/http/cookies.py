"""Set-Cookie as user agents read it (RFC 6265bis 5), and a jar for one chain of redirects. Pure."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from services.scanner.http.urls import WebUrl, literal_address
from services.scanner.text import clean

_MAX_PAIR_BYTES = 4096  # RFC 6265bis 5.7: name and value together
_MAX_ATTRIBUTE_BYTES = 1024
_MAX_KEPT = 50
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SENDABLE = re.compile(r"[\x21-\x3a\x3c-\x7e ]*")
_SAME_SITE = {"strict": "Strict", "lax": "Lax", "none": "None"}
_LONGEST_AGE_S = 400 * 24 * 3600  # RFC 6265bis 5.5: the limit user agents set

_DATE_DELIMITER = re.compile(r"[\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?!\d)")
_DAY = re.compile(r"(\d{1,2})(?!\d)")
_YEAR = re.compile(r"(\d{2,4})(?!\d)")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True, slots=True)
class Cookie:
    """What a Set-Cookie header says, without the value: that is a secret of its owner."""

    name: str
    is_secure: bool = False
    is_http_only: bool = False
    same_site: str | None = None
    """``Strict``, ``Lax``, ``None`` (the word); None where it is absent or unknown."""
    domain: str | None = None
    path: str | None = None
    max_age_s: int | None = None
    expires: datetime | None = None

    @property
    def is_persistent(self) -> bool:
        """It outlives the browser's session."""
        return self.max_age_s is not None or self.expires is not None

    def is_deletion(self, now: datetime) -> bool:
        """The server takes the cookie back: nothing is stored."""
        if self.max_age_s is not None:
            return self.max_age_s <= 0
        return self.expires is not None and self.expires <= now


def parse_set_cookie(text: str) -> tuple[Cookie, str] | None:
    """The cookie and its value; None for what user agents ignore. Never raises."""
    if _FORBIDDEN.search(text):
        return None
    pair, *attributes = text.split(";")
    first, equals, rest = pair.partition("=")
    name, value = (first, rest) if equals else ("", first)
    name, value = name.strip(" \t"), value.strip(" \t")
    if not (name or value) or len((name + value).encode("utf-8", "replace")) > _MAX_PAIR_BYTES:
        return None
    found: dict[str, str] = {}
    for attribute in attributes:
        key, _, content = attribute.partition("=")
        content = content.strip(" \t")
        if len(content.encode("utf-8", "replace")) <= _MAX_ATTRIBUTE_BYTES:
            found[key.strip(" \t").lower()] = content  # the last one counts
    return _cookie(name, found), value


def _cookie(name: str, found: dict[str, str]) -> Cookie:
    path, domain = found.get("path", ""), found.get("domain", "")
    return Cookie(
        name=clean(name, 128),
        is_secure="secure" in found,
        is_http_only="httponly" in found,
        same_site=_SAME_SITE.get(found.get("samesite", "").lower()),
        domain=clean(domain.removeprefix(".").lower(), 255) or None,
        path=clean(path, 255) if path.startswith("/") else None,
        max_age_s=_max_age_s(found.get("max-age", "")),
        expires=parse_cookie_date(found.get("expires", "")),
    )


def _max_age_s(text: str) -> int | None:
    if not re.fullmatch(r"-?[0-9]+", text):
        return None
    if text.startswith("-"):
        return 0
    return _LONGEST_AGE_S if len(text) > 10 else min(int(text), _LONGEST_AGE_S)  # noqa: PLR2004 - seconds of 300 years


def parse_cookie_date(text: str) -> datetime | None:
    """The forgiving date of RFC 6265bis 5.1.1; None where it fails. Never raises."""
    time: tuple[int, int, int] | None = None
    day = month = year = None
    for token in _DATE_DELIMITER.split(text):
        if time is None and (match := _TIME.match(token)):
            time = (int(match[1]), int(match[2]), int(match[3]))
        elif day is None and (match := _DAY.match(token)):
            day = int(match[1])
        elif month is None and token[:3].lower() in _MONTHS:
            month = _MONTHS.index(token[:3].lower()) + 1
        elif year is None and (match := _YEAR.match(token)):
            year = _full_year(int(match[1]))
    if time is None or day is None or month is None or year is None:
        return None
    try:
        return datetime(year, month, day, *time, tzinfo=UTC)
    except ValueError:
        return None


def _full_year(year: int) -> int:
    if 70 <= year <= 99:  # noqa: PLR2004 - RFC 6265bis 5.1.1 step 3
        return year + 1900
    return year + 2000 if year <= 69 else year  # noqa: PLR2004 - step 4


@dataclass(frozen=True, slots=True)
class _Kept:
    value: str
    is_secure: bool


@dataclass(slots=True)
class CookieJar:
    """What one chain of redirects has been given: some sites loop until it comes back."""

    _kept: dict[tuple[str, str, str, bool], _Kept] = field(
        default_factory=dict[tuple[str, str, str, bool], _Kept]
    )
    """By name, domain, path and whether subdomains get it too."""

    def accept(self, cookie: Cookie, value: str, url: WebUrl, now: datetime) -> None:
        """Store, replace or delete; what a user agent would refuse is refused."""
        if not _may_be_set(cookie, url) or not _SENDABLE.fullmatch(cookie.name + value):
            return
        domain, path = cookie.domain or url.host, cookie.path or _default_path(url)
        key = (cookie.name, domain, path, cookie.domain is not None)
        self._kept.pop(key, None)
        if not cookie.is_deletion(now) and len(self._kept) < _MAX_KEPT:
            self._kept[key] = _Kept(value, cookie.is_secure)

    def header_for(self, url: WebUrl) -> str:
        """The Cookie header of a request; empty for none."""
        return "; ".join(
            f"{name}={kept.value}" if name else kept.value
            for (name, domain, path, for_subdomains), kept in self._kept.items()
            if (url.host == domain or (for_subdomains and _is_below(url.host, domain)))
            and _path_matches(url.target.partition("?")[0], path)
            and (url.is_tls or not kept.is_secure)
        )


def breaks_prefix_rules(cookie: Cookie, *, is_tls: bool) -> str:
    """What the name's prefix promises and the attributes do not keep (RFC 6265bis 4.1.3)."""
    prefix = cookie.name.lower()
    if not prefix.startswith(("__secure-", "__host-")):
        return ""
    if not (cookie.is_secure and is_tls):
        return "is not Secure"
    if prefix.startswith("__host-") and cookie.domain is not None:
        return "has a Domain"
    if prefix.startswith("__host-") and cookie.path != "/":
        return "has no Path=/"
    return ""


def _may_be_set(cookie: Cookie, url: WebUrl) -> bool:
    if cookie.is_secure and not url.is_tls:
        return False
    if cookie.domain is not None and url.host != cookie.domain:
        is_name = literal_address(url.host) is None
        if not is_name or not _is_below(url.host, cookie.domain) or "." not in cookie.domain:
            return False
    return not breaks_prefix_rules(cookie, is_tls=url.is_tls)


def _is_below(host: str, domain: str) -> bool:
    return host.endswith("." + domain)


def _default_path(url: WebUrl) -> str:
    return url.target.partition("?")[0].rpartition("/")[0] or "/"


def _path_matches(path: str, cookie_path: str) -> bool:
    return cookie_path in {path, "/"} or path.startswith(cookie_path.rstrip("/") + "/")
