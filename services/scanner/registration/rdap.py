"""Reads what RDAP servers answer (RFC 9083) and where they are (RFC 9224). Pure.

Everything in it was written by strangers: whatever does not have the shape of the standard is
passed over, and nothing here raises but ValueError.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from services.scanner.registration.facts import Registration
from services.scanner.text import clean

_MAX_ITEMS = 50
_MAX_TEXT = 200
_VCARD_FIELDS = 4


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Which server answers for the domains under which suffix."""

    services: Mapping[str, tuple[str, ...]]

    def find(self, name: str) -> tuple[str, str] | None:
        """The longest suffix that is known and a base URL for it, HTTPS where there is one."""
        labels = name.lower().split(".")
        for index in range(1, len(labels)):
            suffix = ".".join(labels[index:])
            urls = self.services.get(suffix, ())
            if urls:
                secure = (url for url in urls if url.lower().startswith("https://"))
                return suffix, next(secure, urls[0])
        return None


def parse_bootstrap(body: bytes) -> Bootstrap:
    """The registry of RFC 9224 section 4. Raises ValueError for what is none."""
    services: dict[str, tuple[str, ...]] = {}
    for entry in _list(_document(body).get("services")):
        parts = _list(entry)
        if len(parts) == 2:  # noqa: PLR2004 - suffixes and URLs
            urls = tuple(_texts(parts[1]))
            services.update((suffix.lower().strip("."), urls) for suffix in _texts(parts[0]))
    if not services:
        raise ValueError("the bootstrap document names no service")
    return Bootstrap(services)


def parse_domain(body: bytes, domain: str, source: str) -> Registration:
    """A domain object (RFC 9083 section 5.3). Raises ValueError for what is none."""
    document = _document(body)
    if document.get("objectClassName") != "domain":
        raise ValueError("the answer is no domain object")
    events = _events(document)
    return Registration(
        domain=domain,
        expires_at=events.get("expiration"),
        registered_at=events.get("registration"),
        changed_at=events.get("last changed"),
        registrar=_registrar(document),
        statuses=tuple(
            clean(text.lower(), _MAX_TEXT) for text in list(_texts(document.get("status")))[:20]
        ),
        name_servers=tuple(_name_servers(document)),
        source=source,
    )


def _document(body: bytes) -> Mapping[str, object]:
    try:
        value = cast("object", json.loads(body))
    except (ValueError, RecursionError):
        raise ValueError("the answer is no JSON") from None
    document = _object(value)
    if not document:
        raise ValueError("the answer is no JSON object")
    return document


def _object(value: object) -> Mapping[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}  # JSON: text keys


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _texts(value: object) -> Iterator[str]:
    return (item for item in _list(value) if isinstance(item, str))


def _events(document: Mapping[str, object]) -> dict[str, datetime]:
    """The first event of each kind."""
    found: dict[str, datetime] = {}
    for item in _list(document.get("events"))[:_MAX_ITEMS]:
        event = _object(item)
        action, moment = event.get("eventAction"), _moment(event.get("eventDate"))
        if isinstance(action, str) and moment is not None:
            found.setdefault(action.lower(), moment)
    return found


def _moment(value: object) -> datetime | None:
    """RFC 3339; a time without a zone is read as UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value[:40])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _registrar(document: Mapping[str, object]) -> str:
    """The formatted name in the registrar's card (RFC 7095)."""
    for item in _list(document.get("entities"))[:_MAX_ITEMS]:
        entity = _object(item)
        if "registrar" not in _texts(entity.get("roles")):
            continue
        card = _list(entity.get("vcardArray"))
        for line in _list(card[1] if len(card) > 1 else None)[:_MAX_ITEMS]:
            field = _list(line)
            if len(field) >= _VCARD_FIELDS and field[0] == "fn" and isinstance(field[3], str):
                return clean(field[3], _MAX_TEXT)
    return ""


def _name_servers(document: Mapping[str, object]) -> Iterator[str]:
    for item in _list(document.get("nameservers"))[:_MAX_ITEMS]:
        name = _object(item).get("ldhName")
        if isinstance(name, str):
            yield clean(name.lower().rstrip("."), _MAX_TEXT)
