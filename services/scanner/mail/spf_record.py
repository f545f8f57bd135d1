"""Reads an SPF record (RFC 7208 sections 4.6 and 12). Pure: looks nothing up, never raises."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import quote

PREFIX = "v=spf1"
_MAX_TERMS = 1000
_MECHANISM = re.compile(r"(?P<qualifier>[+\-?~]?)(?P<name>[A-Za-z][A-Za-z0-9]*)(?P<rest>[:/].*)?")
_MODIFIER = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9_.\-]*)=(?P<value>.*)")
_MACRO = re.compile(r"%(?:\{([slodiphcrtvSLODIPHCRTV])(\d{0,3})([rR]?)([.\-+,/_=]*)\}|[%_\-])")
_DUAL_CIDR = re.compile(r"(?P<domain>.*?)(?:/(?P<four>\d{1,3}))?(?://(?P<six>\d{1,3}))?")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_\-]{0,61}[A-Za-z0-9_])?")
_LOOKUP_MECHANISMS = frozenset({"include", "a", "mx", "ptr", "exists"})
_MECHANISMS = _LOOKUP_MECHANISMS | {"all", "ip4", "ip6"}
_NEED_DOMAIN = frozenset({"include", "exists", "redirect", "exp"})
_MAX_NAME = 253
_BITS = {"four": 32, "six": 128}


@dataclass(frozen=True, slots=True)
class Term:
    """A mechanism, or the modifiers ``redirect`` and ``exp``."""

    name: str
    qualifier: str = "+"
    domain: str = ""
    """As written, macros and all; "" means the domain itself."""
    network: IPv4Network | IPv6Network | None = None

    @property
    def costs_lookup(self) -> bool:
        """RFC 7208 section 4.6.4; ``exp`` is looked up after the result and does not count."""
        return self.name in _LOOKUP_MECHANISMS or self.name == "redirect"


@dataclass(frozen=True, slots=True)
class SpfRecord:
    """A record as read: what it says and what is wrong with it."""

    text: str
    mechanisms: tuple[Term, ...] = ()
    """Up to and including ``all``."""
    redirect: Term | None = None
    """None as well where an ``all`` makes it void (section 6.1)."""
    ignored: tuple[str, ...] = ()
    """Mechanisms after ``all``: nobody reads them (section 5.1)."""
    errors: tuple[str, ...] = ()

    @property
    def all_qualifier(self) -> str | None:
        last = self.mechanisms[-1] if self.mechanisms else None
        return last.qualifier if last is not None and last.name == "all" else None


class _Malformed(ValueError):
    """One term is wrong; the message says how."""


def is_spf(text: str) -> bool:
    """The version is a whole word (section 4.5)."""
    return text[: len(PREFIX)].lower() == PREFIX and text[len(PREFIX) :][:1] in {"", " "}


def parse_spf(text: str) -> SpfRecord:
    """Every term of a record that begins with ``v=spf1``."""
    if not text.isascii() or not text.isprintable():
        return SpfRecord(text, errors=("a character that is not printable ASCII",))
    words = [word for word in text[len(PREFIX) :].split(" ") if word]
    errors: list[str] = []
    terms: list[tuple[str, Term]] = []
    for word in words[:_MAX_TERMS]:
        try:
            term = _parse_term(word)
        except _Malformed as error:
            errors.append(f"{word[:80]!r}: {error}")
        else:
            if term is not None:
                terms.append((word, term))
    if len(words) > _MAX_TERMS:
        errors.append(f"more than {_MAX_TERMS} terms")
    return _assemble(text, terms, errors)


def _assemble(text: str, terms: list[tuple[str, Term]], errors: list[str]) -> SpfRecord:
    names = [term.name for _, term in terms]
    errors += [f"{n}= is there twice" for n in ("redirect", "exp") if names.count(n) > 1]
    mechanisms = [(w, t) for w, t in terms if t.name in _MECHANISMS]
    ends = [index for index, (_, term) in enumerate(mechanisms) if term.name == "all"]
    end = ends[0] + 1 if ends else len(mechanisms)
    redirect = next((t for _, t in terms if t.name == "redirect"), None)
    return SpfRecord(
        text,
        mechanisms=tuple(term for _, term in mechanisms[:end]),
        redirect=None if ends else redirect,
        ignored=tuple(word for word, _ in mechanisms[end:]),
        errors=tuple(errors),
    )


def _parse_term(word: str) -> Term | None:
    """None for a modifier that nobody knows: legal and without meaning (section 6)."""
    modifier = _MODIFIER.fullmatch(word)
    if modifier is not None:
        name, value = modifier["name"].lower(), modifier["value"]
        if name not in {"redirect", "exp"}:
            _require_macros(value)
            return None
        return Term(name, domain=_domain(name, value))
    match = _MECHANISM.fullmatch(word)
    if match is None or (name := match["name"].lower()) not in _MECHANISMS:
        raise _Malformed("unknown mechanism")
    qualifier, rest = match["qualifier"] or "+", match["rest"] or ""
    if name == "all":
        if rest:
            raise _Malformed("all takes no argument")
        return Term(name, qualifier)
    if name in {"ip4", "ip6"}:
        return Term(name, qualifier, network=_network(name, rest))
    return Term(name, qualifier, domain=_target(name, rest))


def _network(name: str, rest: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(rest.removeprefix(":"), strict=False)
    except ValueError:
        raise _Malformed("no valid network") from None
    is_family = name == f"ip{network.version}"
    prefix = rest.partition("/")[2]
    if not rest.startswith(":") or not is_family or "." in prefix:  # a netmask is no prefix
        raise _Malformed("no valid network")
    return network


def _target(name: str, rest: str) -> str:
    """The domain of a mechanism; a and mx may carry prefix lengths (section 5.3)."""
    domain = rest
    if name in {"a", "mx"}:
        match = _DUAL_CIDR.fullmatch(rest)
        if match is None:
            raise _Malformed("no valid prefix length")
        for part, bits in _BITS.items():
            if match[part] is not None and int(match[part]) > bits:
                raise _Malformed(f"a prefix length above {bits}")
        domain = match["domain"]
    if not domain and name not in _NEED_DOMAIN:
        return ""
    if not domain.startswith(":"):
        raise _Malformed("a colon and a domain are missing" if not domain else "no colon")
    return _domain(name, domain[1:])


def _domain(name: str, text: str) -> str:
    if not text:
        raise _Malformed(f"{name} needs a domain")
    plain = _require_macros(text)
    if plain.endswith("%"):
        return text  # ends in a macro: what it becomes is known to the receiver alone
    labels = plain.rstrip(".").replace("%", "x").split(".")
    is_valid = len(labels) > 1 and all(_LABEL.fullmatch(label) for label in labels)
    if not is_valid or labels[-1].isdigit() or len(plain) > _MAX_NAME:
        raise _Malformed("no valid domain name")
    return text


def _require_macros(text: str) -> str:
    """The text with each macro as one percent sign (section 7.1)."""
    if "%" in _MACRO.sub("", text):
        raise _Malformed("an invalid macro")
    return _MACRO.sub("%", text)


def expand(text: str, domain: str) -> str | None:
    """The name with ``%{d}`` filled in; None where a macro depends on the message."""

    def fill(match: re.Match[str]) -> str:
        letter, digits, is_reversed, delimiters = match.groups()
        if letter is None:
            return {"%%": "%", "%_": " ", "%-": "%20"}[match[0]]
        if letter.lower() != "d":
            return "\0"
        parts = re.split(f"[{re.escape(delimiters or '.')}]", domain)
        parts = parts[::-1] if is_reversed else parts
        joined = ".".join(parts[-int(digits) :] if digits and int(digits) else parts)
        return quote(joined, safe="") if letter == "D" else joined

    expanded = _MACRO.sub(fill, text)
    return None if "\0" in expanded else expanded
