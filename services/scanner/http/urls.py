"""Addresses of the web: parsed strictly, because redirects are written by strangers. Pure."""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from urllib.parse import quote, urljoin, urlsplit

import idna

from services.scanner.address import Address

_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_URL_LENGTH = 8192
_MAX_NAME_LENGTH = 253
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
_KEPT = "%/:@!$&'()*+,;=~[]|"

# Suffixes of two labels under which anybody registers; the whole public suffix list has ten
# thousand entries, and a wrong guess only makes a stranger look like a sibling.
_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gob", "gov", "gv", "ne", "net", "or", "org"})
_COUNTRY_LENGTH = 2
_HOSTING = frozenset(
    {
        "azurewebsites.net",
        "blogspot.com",
        "cloudfront.net",
        "github.io",
        "gitlab.io",
        "herokuapp.com",
        "netlify.app",
        "pages.dev",
        "vercel.app",
        "workers.dev",
    }
)


@dataclass(frozen=True, slots=True)
class WebUrl:
    """An absolute http or https URL without user information and fragment."""

    scheme: str
    host: str
    """A lower-case A-label name, or an address as text without brackets."""
    port: int
    target: str = "/"
    """Path and query, percent-encoded: what stands in the request line."""

    @property
    def is_tls(self) -> bool:
        return self.scheme == "https"

    @property
    def address(self) -> Address | None:
        """The address, where the host is one."""
        return literal_address(self.host)

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        is_default = self.port == _DEFAULT_PORTS[self.scheme]
        return f"{self.scheme}://{host}" + ("" if is_default else f":{self.port}")

    def __str__(self) -> str:
        return self.origin + self.target


def parse_url(text: str) -> WebUrl:
    """Raises ValueError, with words fit for a report, for what no client should request."""
    if len(text) > _MAX_URL_LENGTH:
        raise ValueError("the URL is longer than 8 KB")
    parts = urlsplit(text)
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError("the URL is neither http nor https")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the URL carries user information")
    if not parts.hostname:
        raise ValueError("the URL names no host")
    port = _DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port
    if port == 0:
        raise ValueError("the URL names port 0")
    target = quote(parts.path or "/", safe=_KEPT, errors="replace")
    if parts.query:
        target += "?" + quote(parts.query, safe=_KEPT + "?", errors="replace")
    return WebUrl(parts.scheme, _host(parts.hostname), port, target)


def resolve_location(base: WebUrl, location: str) -> WebUrl:
    """Where a Location header leads, as browsers read it. Raises ValueError."""
    reference = re.split(r"[?#]", location, maxsplit=1)
    # WHATWG URL: in http URLs a backslash is a slash, so "/\host" leaves this host.
    path = reference[0].strip("\t\r\n\x0c \x00").replace("\\", "/")
    return parse_url(urljoin(str(base), path + location[len(reference[0]) :].rstrip()))


def literal_address(host: str) -> Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return None if isinstance(address, IPv6Address) and address.scope_id else address


def is_same_site(host: str, other: str) -> bool:
    """The same host or its www variant (SSRF-5)."""
    return host.removeprefix("www.") == other.removeprefix("www.")


def registrable_domain(host: str) -> str:
    """The domain somebody registered, as well as it can be told without the public suffix list.

    An address stands for itself.
    """
    if literal_address(host) is not None:
        return host
    labels = host.rstrip(".").split(".")
    suffix = ".".join(labels[-2:])
    is_second_level = (
        len(labels) > 2  # noqa: PLR2004 - a name below a suffix of two labels
        and len(labels[-1]) == _COUNTRY_LENGTH
        and labels[-2] in _SECOND_LEVEL
    )
    return ".".join(labels[-3:]) if is_second_level or suffix in _HOSTING else suffix


def _host(text: str) -> str:
    address = literal_address(text)
    if address is not None:
        return str(address)
    try:
        name = idna.encode(text.rstrip("."), uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        # Names with an underscore are outside IDNA and inside DNS.
        name = text.rstrip(".").lower()
    labels = name.split(".")
    if len(name) > _MAX_NAME_LENGTH or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("the URL's host is no valid name")
    if _NUMERIC_LABEL.fullmatch(labels[-1]):
        # 127.1, 2130706433, 0x7f000001: some clients take them for addresses.
        raise ValueError("the URL's host looks like an address but is none")
    return name
