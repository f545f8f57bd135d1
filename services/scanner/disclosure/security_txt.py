"""security.txt as RFC 9116 defines it: fields, faults, and the OpenPGP frame around it. Pure.

The signature itself is not verified: whose key would have to be trusted is not in the file.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from services.scanner.text import clean

_MOST_LINES = 1000
_MOST_VALUE = 2048
_MOST_FAULTS = 20
_BEGIN_SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----"
_BEGIN_SIGNATURE = "-----BEGIN PGP SIGNATURE-----"
_END_SIGNATURE = "-----END PGP SIGNATURE-----"
# RFC 9116 section 4: a field's name, a colon, a blank, its value.
_FIELD = re.compile(r"([!-9;-~]{1,100}):( ?)[ \t]{0,100}(.{0,4096})")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}:[^\s<>\"{}|\\^`]{1,4000}")
_DATE_TIME = re.compile(  # RFC 3339 section 5.6, and case does not matter
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)"
)
_URI_FIELDS = frozenset(
    {"acknowledgments", "canonical", "contact", "encryption", "hiring", "policy"}
)
_KNOWN = _URI_FIELDS | {"expires", "preferred-languages", "csaf"}
_AT_MOST_ONCE = ("expires", "preferred-languages")


@dataclass(frozen=True, slots=True)
class SecurityTxt:
    """One file, as far as it can be read, with everything that is wrong about it."""

    contacts: tuple[str, ...]
    canonical: tuple[str, ...]
    expires: datetime | None
    """None where it is absent or no date."""
    is_signed: bool
    """A whole cleartext signature frame is around it; nobody verified it."""
    faults: tuple[str, ...]


def looks_like_security_txt(text: str) -> bool:
    """Whether there is at least one of the RFC's fields: an error page has none."""
    lines = (line.partition(":") for line in _lines(text))
    return any(colon and name.strip().lower() in _KNOWN for name, colon, _ in lines)


def read_security_txt(text: str, urls: Sequence[str]) -> SecurityTxt:
    """``urls`` are those it was found at, for Canonical. Never raises."""
    faults: list[str] = []
    lines, is_signed = _without_frame(_lines(text), faults)
    fields: dict[str, list[str]] = {}
    for line in lines:
        _read_line(line, fields, faults)
    expires = _expires(fields.get("expires", []), faults)
    _judge_counts(fields, faults)
    for name in sorted(_URI_FIELDS & fields.keys()):
        faults += [fault for value in fields[name] if (fault := _uri_fault(name, value))]
    canonical = fields.get("canonical", [])
    if canonical and not {_comparable(u) for u in urls} & {_comparable(c) for c in canonical}:
        faults.append("Canonical does not name the address the file was found at")
    return SecurityTxt(
        contacts=tuple(clean(value, 200) for value in fields.get("contact", [])[:10]),
        canonical=tuple(clean(value, 200) for value in canonical[:10]),
        expires=expires,
        is_signed=is_signed,
        faults=tuple(dict.fromkeys(clean(fault, 200) for fault in faults))[:_MOST_FAULTS],
    )


def _lines(text: str) -> list[str]:
    """CRLF and LF both end a line (section 2.2)."""
    bare = text.removeprefix("\ufeff").replace("\r\n", "\n")
    return [line[: 2 * _MOST_VALUE] for line in bare.split("\n", _MOST_LINES)[:_MOST_LINES]]


def _without_frame(lines: list[str], faults: list[str]) -> tuple[list[str], bool]:
    """The lines that are signed, without their dash escapes (RFC 9580 section 7)."""
    stripped = [line.rstrip() for line in lines]
    if not any(line.startswith("-----") for line in stripped):
        return lines, False
    try:
        start = stripped.index(_BEGIN_SIGNED)
        first = stripped.index("", start) + 1
        signature = stripped.index(_BEGIN_SIGNATURE, first)
        end = stripped.index(_END_SIGNATURE, signature)
    except ValueError:
        faults.append("the OpenPGP frame is broken")
        return [line for line in lines if not line.startswith("-----")], False
    outside = [line for line in (*stripped[:start], *stripped[end + 1 :]) if line]
    if any(not line.startswith("#") for line in outside):
        faults.append("fields stand outside the signed part")
    return [line.removeprefix("- ") for line in lines[first:signature]], end > signature + 1


def _read_line(line: str, fields: dict[str, list[str]], faults: list[str]) -> None:
    text = line.rstrip()
    if not text or text.startswith("#"):
        return
    match = _FIELD.fullmatch(text)
    if match is None:
        faults.append(f"{clean(text, 60)!r} is neither a field nor a comment")
        return
    name, blank, value = match[1].lower(), match[2], match[3].strip()
    if not blank:
        faults.append(f"no blank after the colon of {clean(match[1], 40)}")
    fields.setdefault(name, []).append(value[:_MOST_VALUE])


def _expires(values: list[str], faults: list[str]) -> datetime | None:
    if not values:
        return None
    if not _DATE_TIME.fullmatch(values[0]):
        faults.append(f"Expires is no date and time of RFC 3339: {clean(values[0], 60)!r}")
        return None
    try:
        return datetime.fromisoformat(values[0].upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        faults.append(f"Expires is no date of the calendar: {clean(values[0], 60)!r}")
        return None


def _judge_counts(fields: dict[str, list[str]], faults: list[str]) -> None:
    faults += [
        f"{name.capitalize()} is missing" for name in ("contact", "expires") if name not in fields
    ]
    faults += [
        f"{name.capitalize()} is given {len(fields[name])} times"
        for name in _AT_MOST_ONCE
        if len(fields.get(name, [])) > 1
    ]


def _uri_fault(name: str, value: str) -> str:
    shown = f"{name.capitalize()} {clean(value, 80)!r}"
    if not _URI.fullmatch(value):
        return f"{shown} is no URI"
    # Sections 2.5.1 to 2.5.8: an address of the web begins with https.
    return f"{shown} is not https" if value.lower().startswith("http:") else ""


def _comparable(url: str) -> str:
    """Scheme and host without case, the default port left out."""
    scheme, _, rest = url.strip().partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}://{host.lower().removesuffix(':443')}{slash}{path}"
