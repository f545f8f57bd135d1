"""Which certificate authority is meant by a CAA record. Pure; the names are a data file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from services.scanner.dns.facts import CaaRecord
from services.scanner.tls.names import covers

_CRITICAL = 128
_KNOWN_TAGS = frozenset(
    {"issue", "issuewild", "iodef", "contactemail", "contactphone", "issuemail", "issuevmc"}
)


@dataclass(frozen=True, slots=True)
class Issuers:
    """CAA domains by the organization of an issuing certificate, as of one day."""

    as_of: date
    domains: Mapping[str, frozenset[str]]

    def domains_of(self, organization: str) -> frozenset[str]:
        """Empty for an organization that is not known."""
        return self.domains.get(_folded(organization), frozenset())

    def knows_all(self, domains: frozenset[str]) -> bool:
        """Whether each of the domains is that of an organization in the table."""
        return domains <= frozenset().union(*self.domains.values())


@cache
def known_issuers() -> Issuers:
    """The table of ``data/caa_issuers.txt``. Raises ValueError for a bad line."""
    text = files("services.scanner.data").joinpath("caa_issuers.txt").read_text("utf-8")
    return parse_issuers(text)


def parse_issuers(text: str) -> Issuers:
    """``organization | … = domain …`` a line, and one ``as of DATE``. Raises ValueError."""
    domains: dict[str, frozenset[str]] = {}
    as_of = None
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.partition("#")[0].strip()
        if content.startswith("as of "):
            as_of = date.fromisoformat(content.removeprefix("as of "))
        elif content:
            organizations, separator, names = content.partition(" = ")
            if not separator or not names.split():
                raise ValueError(f"line {number}: no 'organization = domain'")
            for organization in organizations.split("|"):
                domains[_folded(organization)] = frozenset(names.lower().split())
    if as_of is None:
        raise ValueError("no 'as of' line")
    return Issuers(as_of, domains)


def _folded(organization: str) -> str:
    """One spelling for ``DigiCert, Inc.`` and ``DigiCert Inc``."""
    return " ".join(organization.replace(".", "").replace(",", " ").casefold().split())


def name_issued_for(presented: tuple[str, ...], name: str) -> str:
    """Of the names in a certificate the one that covers ``name``, the exact one first; or none."""
    candidates = sorted(presented, key=lambda candidate: candidate.startswith("*."))
    return next((candidate for candidate in candidates if covers((candidate,), name)), "")


def allowed_issuers(records: tuple[CaaRecord, ...], *, is_wildcard: bool) -> frozenset[str] | None:
    """The domains that may issue, by the rules of RFC 8659 4.2 and 4.3; None: everybody may."""
    if any(record.flags & _CRITICAL and record.tag not in _KNOWN_TAGS for record in records):
        return frozenset()  # section 4.1: who does not understand it must not issue
    tags = {record.tag for record in records}
    tag = "issuewild" if is_wildcard and "issuewild" in tags else "issue"
    if tag not in tags:
        return None
    names = (r.value.partition(";")[0].strip().rstrip(".").lower() for r in records if r.tag == tag)
    return frozenset(filter(None, names))
