"""DMARC (RFC 9989): reading a record, and the tree walk that finds the one in force.

Lenient where the standard is: unknown tags, ``pct`` and bad values of optional tags are passed
over. Strict where a receiver drops the record: the version, and the policies.
"""

import asyncio
import re
from dataclasses import dataclass
from enum import StrEnum

from services.scanner.mail.spf import text_records
from services.scanner.resolver import Lookup, Resolver

_VERSION = re.compile(r"[vV][ \t]*=[ \t]*DMARC1[ \t]*")
_MENTION = re.compile(r"(?:^|[;\s])v\s*=\s*DMARC1\b", re.IGNORECASE)
_TAG = re.compile(r"[A-Za-z][A-Za-z0-9_\-]{0,30}")
_MAILTO = re.compile(
    r"mailto:[^\s@!,]{1,256}@(?P<domain>[^\s@!,]{1,253})(?:![0-9]{1,20}[kmgtKMGT]?)?"
)
_MAX_STEPS = 8
_MAX_PERCENT = 100
_MAX_TAGS = 50


class Policy(StrEnum):
    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class DmarcRecord:
    """One record. A policy that is absent is None, one that is wrong is None and an error."""

    text: str
    p: Policy | None = None
    sp: Policy | None = None
    np: Policy | None = None
    rua: tuple[str, ...] = ()
    """Addresses for reports that are valid ``mailto`` URIs."""
    percent: int | None = None
    is_testing: bool = False
    psd: str = "u"
    errors: tuple[str, ...] = ()
    has_wrong_policy: bool = False
    """p is there and is no policy: receivers read it as none (section 4.7)."""

    @property
    def policy(self) -> Policy:
        """For the domain itself; without p the record asks for reports alone (section 4.7)."""
        return self.p or Policy.NONE

    @property
    def subdomain_policy(self) -> Policy:
        return self.sp or self.policy


@dataclass(frozen=True, slots=True)
class DmarcFacts:
    """The record in force for a domain, and where it was found."""

    lookup: Lookup
    """Of the domain's own record; UNKNOWN or BROKEN if any step that matters could not be seen."""
    reason: str = ""
    found_at: str = ""
    """The domain whose record is in force; "" where there is none."""
    record: DmarcRecord | None = None
    is_inherited: bool = False
    own_texts: tuple[str, ...] = ()
    """What stands at the domain itself and begins as DMARC."""
    misplaced: tuple[str, ...] = ()
    """What mentions DMARC there and is none: the version is not first, or not as it must be."""
    organizational_domain: str = ""
    unauthorized: tuple[str, ...] = ()
    """Foreign report addresses whose domain does not agree to receive (RFC 9990 section 4)."""
    authorization_unknown: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        return self.lookup in {Lookup.PRESENT, Lookup.NODATA, Lookup.NXDOMAIN}


@dataclass(frozen=True, slots=True)
class _Step:
    """What stands at ``_dmarc.<domain>``."""

    domain: str
    lookup: Lookup
    reason: str
    texts: tuple[str, ...] = ()
    misplaced: tuple[str, ...] = ()
    record: DmarcRecord | None = None
    """None as well where there are several: then none counts (section 4.10)."""


def is_dmarc(text: str) -> bool:
    """``v=DMARC1`` comes first; DMARC1 in this case exactly (section 4.7)."""
    match = _VERSION.match(text)
    return match is not None and text[match.end() :][:1] in {"", ";"}


def parse_dmarc(text: str) -> DmarcRecord:
    """Every tag of a record that ``is_dmarc``. Never raises."""
    errors: list[str] = []
    tags: dict[str, str] = {}
    for part in text.split(";")[1:_MAX_TAGS]:
        name, separator, value = (piece.strip() for piece in part.partition("="))
        if not name and not separator:
            continue
        if not separator or not _TAG.fullmatch(name):
            errors.append(f"{part.strip()[:60]!r} is no tag")
        elif name.lower() in tags:
            errors.append(f"the tag {name.lower()} is there twice")
        else:
            tags[name.lower()] = value
    policies = {name: _policy(name, tags, errors) for name in ("p", "sp", "np")}
    percent = tags.get("pct", "")
    return DmarcRecord(
        text=text,
        p=policies["p"],
        sp=policies["sp"],
        np=policies["np"],
        rua=_addresses(tags.get("rua", "")),
        percent=int(percent) if re.fullmatch(r"[0-9]{1,3}", percent) else None,
        is_testing=tags.get("t", "").lower() == "y",
        psd=tags.get("psd", "u").lower(),
        errors=tuple(errors),
        has_wrong_policy="p" in tags and policies["p"] is None,
    )


def _policy(name: str, tags: dict[str, str], errors: list[str]) -> Policy | None:
    value = tags.get(name)
    if value is None:
        return None
    try:
        return Policy(value.lower())
    except ValueError:
        errors.append(f"{name}={value[:40]!r} is no policy")
        return None


def _addresses(value: str) -> tuple[str, ...]:
    uris = [uri.strip() for uri in value.split(",")[:_MAX_TAGS]]
    return tuple(uri for uri in uris if _MAILTO.fullmatch(uri))


def walk_names(domain: str) -> list[str]:
    """The domain and what the tree walk asks above it, at most eight (section 4.10)."""
    labels = domain.split(".")
    names = [domain]
    if len(labels) > _MAX_STEPS:
        labels = labels[-(_MAX_STEPS - 1) :]
        names.append(".".join(labels))
    names += [".".join(labels[index:]) for index in range(1, len(labels))]
    return names[:_MAX_STEPS]


async def find_dmarc(resolver: Resolver, domain: str) -> DmarcFacts:
    """The record in force for a domain. Never raises for what DNS says."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_look(resolver, name)) for name in walk_names(domain)]
    steps = [task.result() for task in tasks]
    own = steps[0]
    organization = _organizational_domain(steps)
    in_force = _in_force(steps, organization)
    blind = _blind_step(steps, in_force)
    facts = DmarcFacts(
        lookup=own.lookup if blind is None else blind.lookup,
        reason=own.reason if blind is None else blind.reason,
        own_texts=own.texts,
        misplaced=own.misplaced,
        organizational_domain=organization,
    )
    if in_force is None or in_force.record is None or blind is not None:
        return facts
    refused, unknown = await _ask_receivers(resolver, in_force, organization)
    return DmarcFacts(
        lookup=own.lookup,
        found_at=in_force.domain,
        record=in_force.record,
        is_inherited=in_force is not own,
        own_texts=own.texts,
        misplaced=own.misplaced,
        organizational_domain=organization,
        unauthorized=refused,
        authorization_unknown=unknown,
    )


async def _look(resolver: Resolver, domain: str) -> _Step:
    answer, texts = await text_records(resolver, f"_dmarc.{domain}")
    valid = tuple(text for text in texts if is_dmarc(text))
    misplaced = tuple(text for text in texts if not is_dmarc(text) and _MENTION.search(text))
    record = parse_dmarc(valid[0]) if len(valid) == 1 else None
    return _Step(domain, answer.lookup, answer.reason, valid, misplaced, record)


def _organizational_domain(steps: list[_Step]) -> str:
    """Section 4.10.2: psd=n names it, below psd=y it lies, else the shortest name counts."""
    found = [step for step in steps if step.record is not None]
    for step in found:
        if step.record is not None and step.record.psd == "n":
            return step.domain
        if step.record is not None and step.record.psd == "y" and step is not steps[0]:
            return steps[steps.index(step) - 1].domain
    return found[-1].domain if found else steps[0].domain


def _in_force(steps: list[_Step], organization: str) -> _Step | None:
    """The domain's own record, else its organisation's, else the public suffix's."""
    own, *above = steps
    if own.record is not None:
        return own
    by_name = {step.domain: step for step in above if step.record is not None}
    suffix = next((s for s in by_name.values() if s.record and s.record.psd == "y"), None)
    return by_name.get(organization, suffix)


def _blind_step(steps: list[_Step], in_force: _Step | None) -> _Step | None:
    """A step that could not be seen and might have held the record."""
    for step in steps:
        if step is in_force:
            return None
        if step.lookup in {Lookup.UNKNOWN, Lookup.BROKEN}:
            return step
    return None


async def _ask_receivers(
    resolver: Resolver, step: _Step, organization: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Foreign domains that refuse our reports, and those that could not be asked."""
    record = step.record
    matches = [_MAILTO.fullmatch(uri) for uri in (record.rua if record is not None else ())]
    targets = {m["domain"].rstrip(".").lower() for m in matches if m is not None}
    foreign = sorted(t for t in targets if not _is_within(t, organization))[:_MAX_STEPS]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(text_records(resolver, f"{step.domain}._report._dmarc.{target}"))
            for target in foreign
        ]
    refused: list[str] = []
    unknown: list[str] = []
    for target, task in zip(foreign, tasks, strict=True):
        answer, texts = task.result()
        if not answer.is_known:
            unknown.append(target)
        elif not any(is_dmarc(text) for text in texts):
            refused.append(target)
    return tuple(refused), tuple(unknown)


def _is_within(name: str, organization: str) -> bool:
    return name == organization or name.endswith(f".{organization}")
