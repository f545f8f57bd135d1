"""Strict-Transport-Security, as RFC 6797 6.1 and 8.1 read it. Pure."""

import re
from dataclasses import dataclass

from services.scanner.text import clean

_MAX_HEADER = 2048
_DIRECTIVE = re.compile(r'([!#$%&\'*+.^_`|~0-9A-Za-z-]+)[ \t]*(?:=[ \t]*("[^"]*"|[^" \t;]+))?')
_LONGEST_AGE_S = 10**12


@dataclass(frozen=True, slots=True)
class Hsts:
    """One header, with everything that is wrong about it."""

    max_age_s: int | None
    """Seconds; None where it is absent or no number."""
    include_subdomains: bool = False
    preload: bool = False
    faults: tuple[str, ...] = ()
    has_duplicates: bool = False
    """The RFC forbids repeating a directive, and browsers disagree about what then holds."""

    @property
    def is_in_force(self) -> bool:
        """A browser remembers it: there is a number, and it is not the one that switches off."""
        return bool(self.max_age_s)


def parse_hsts(text: str) -> Hsts:
    """Never raises: what cannot be read becomes a fault."""
    faults: list[str] = []
    found: dict[str, str | None] = {}
    repeated: set[str] = set()
    for part in _split(text[:_MAX_HEADER]):
        match = _DIRECTIVE.fullmatch(part)
        if match is None:
            faults.append(f"{clean(part, 40)!r} is no directive")
            continue
        name = match[1].lower()
        if name in found:
            repeated.add(name)
        else:
            found[name] = None if match[2] is None else match[2].strip('"')
    faults += [f"{clean(name, 40)} is given more than once" for name in sorted(repeated)]
    max_age_s = _max_age(found, faults)
    faults += [
        f"{name} takes no value"
        for name in ("includesubdomains", "preload")
        if found.get(name) is not None
    ]
    return Hsts(
        max_age_s, "includesubdomains" in found, "preload" in found, tuple(faults), bool(repeated)
    )


def _split(text: str) -> list[str]:
    """Cut at semicolons outside quotes; empty directives are legal."""
    parts: list[str] = []
    current = ""
    is_quoted = False
    for character in text:
        if character == '"':
            is_quoted = not is_quoted
        if character == ";" and not is_quoted:
            parts.append(current)
            current = ""
        else:
            current += character
    return [part.strip(" \t") for part in (*parts, current) if part.strip(" \t")]


def _max_age(found: dict[str, str | None], faults: list[str]) -> int | None:
    if "max-age" not in found:
        faults.append("max-age is missing")
        return None
    value = found["max-age"] or ""
    if not re.fullmatch(r"[0-9]+", value):
        faults.append(f"max-age is no number: {clean(value, 40)!r}")
        return None
    return _LONGEST_AGE_S if len(value) > 12 else int(value)  # noqa: PLR2004 - beyond any calendar
