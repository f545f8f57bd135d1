"""Use cases of attestations."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.actor import Actor, Permission
from services.attestations import queries
from services.attestations.models import Attestation
from services.compliance import MEASURES, annex_points
from services.database import UnitOfWork, utcnow
from services.errors import InvalidInput, InvalidRequest, NotFound
from services.keyset import Slice, Window, cut
from services.pagination import Page, PageRequest

MAX_STATEMENT_LENGTH = 4000
MAX_URL_LENGTH = 2048


@dataclass(frozen=True, slots=True)
class AttestationRequest:
    """What somebody states."""

    subject: str
    """A letter of Article 21(2), as ``a``, or a point of the annex, as ``1.1``."""
    statement: str
    evidence_url: str | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AttestationView:
    attestation: Attestation
    attested_by_name: str | None
    """None: their account was erased."""

    @property
    def is_expired(self) -> bool:
        until = self.attestation.valid_until
        return until is not None and until <= utcnow()

    def as_json(self) -> dict[str, Any]:  # Any: a JSON object
        """As it stands in a compliance matrix, beside what machines saw and never mixed with it."""
        row = self.attestation
        return {
            "id": str(row.id),
            "statement": row.statement,
            "evidence_url": row.evidence_url,
            "attested_by": str(row.attested_by) if row.attested_by else None,
            "attested_by_name": self.attested_by_name,
            "attested_at": row.created_at.isoformat(),
            "valid_until": row.valid_until.isoformat() if row.valid_until else None,
            "is_expired": self.is_expired,
        }


async def attest(work: UnitOfWork, actor: Actor, request: AttestationRequest) -> AttestationView:
    """State something; it stands beside the machine's status until it expires or is replaced.

    Raises InvalidInput for an unknown subject or a link that is none, InvalidRequest for an end
    in the past.
    """
    actor.require(Permission.COMPLIANCE_WRITE)
    now = utcnow()
    if request.valid_until is not None and request.valid_until <= now:
        raise InvalidRequest("valid_until must lie in the future", code="valid_until_past")
    attestation = Attestation(
        organization_id=actor.organization_id,
        subject=_subject(request.subject),
        statement=_statement(request.statement),
        evidence_url=_link(request.evidence_url),
        valid_until=request.valid_until,
        attested_by=actor.user_id,
    )
    work.session.add(attestation)
    await work.session.flush()
    return await _view(work.session, actor, attestation.id)


async def withdraw_attestation(work: UnitOfWork, actor: Actor, attestation_id: UUID) -> None:
    """It stays on record and stands beside nothing any more. Raises NotFound, also when done."""
    actor.require(Permission.COMPLIANCE_WRITE)
    found = await queries.find_attestation(
        work.session, actor.organization_id, attestation_id, lock=True
    )
    if found is None or found[0].withdrawn_at is not None:
        raise NotFound("attestation")
    found[0].withdrawn_at = utcnow()
    found[0].withdrawn_by = actor.user_id


async def list_attestations(
    session: AsyncSession, actor: Actor, page: PageRequest, *, subject: str | None = None
) -> Page[AttestationView]:
    """The whole record, newest first. Raises InvalidInput for an unknown subject."""
    actor.require(Permission.COMPLIANCE_READ)
    rows, total = await queries.list_all(
        session, actor.organization_id, None if subject is None else _subject(subject), page
    )
    return Page([AttestationView(*row) for row in rows], total, page)


async def slice_attestations(
    session: AsyncSession, actor: Actor, subject: str | None, window: Window
) -> Slice[AttestationView]:
    """As ``list_attestations``, by key."""
    actor.require(Permission.COMPLIANCE_READ)
    rows = await queries.slice_all(
        session, actor.organization_id, None if subject is None else _subject(subject), window
    )
    return cut([AttestationView(*row) for row in rows], window)


async def count_attestations(session: AsyncSession, actor: Actor, subject: str | None) -> int:
    actor.require(Permission.COMPLIANCE_READ)
    wanted = None if subject is None else _subject(subject)
    return await queries.count_all(session, actor.organization_id, wanted)


async def current_attestations(
    session: AsyncSession, organization_id: UUID
) -> Mapping[str, AttestationView]:
    """What stands beside each letter and point, by subject; expired ones say so."""
    rows = await queries.list_current(session, organization_id)
    return {attestation.subject: AttestationView(attestation, name) for attestation, name in rows}


async def _view(session: AsyncSession, actor: Actor, attestation_id: UUID) -> AttestationView:
    found = await queries.find_attestation(session, actor.organization_id, attestation_id)
    if found is None:
        raise NotFound("attestation")
    return AttestationView(*found)


def _subject(text: str) -> str:
    subject = text.strip().lower()
    if subject not in annex_points() and subject not in {m.letter for m in MEASURES}:
        raise InvalidInput(
            "subject must be a letter of Article 21(2), a to j, or a point of the annex, as 1.1",
            field="subject",
        )
    return subject


def _statement(text: str) -> str:
    statement = text.strip()
    if not 1 <= len(statement) <= MAX_STATEMENT_LENGTH:
        raise InvalidInput(
            f"statement has 1 to {MAX_STATEMENT_LENGTH} characters", field="statement"
        )
    return statement


def _link(url: str | None) -> str | None:
    """Shown to people, never opened by us."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    is_printable = url.isprintable() and " " not in url
    if parts.scheme not in {"https", "http"} or not parts.hostname or not is_printable:
        raise InvalidInput("evidence_url must be an http(s) address", field="evidence_url")
    if len(url) > MAX_URL_LENGTH:
        raise InvalidInput(
            f"evidence_url has at most {MAX_URL_LENGTH} characters", field="evidence_url"
        )
    return url
