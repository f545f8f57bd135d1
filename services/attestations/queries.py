"""SQL of attestations."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from services.attestations.models import Attestation
from services.keyset import Ordering, Window
from services.pagination import PageRequest
from services.users import User

NEWEST_FIRST = Ordering((Attestation.id,), is_descending=True)
"""Keys are time-ordered. Positions are ``(id,)``."""


async def find_attestation(
    session: AsyncSession, organization_id: UUID, attestation_id: UUID, *, lock: bool = False
) -> tuple[Attestation, str | None] | None:
    """With its author's name. ``lock`` takes a row lock until the transaction ends."""
    statement = (
        select(Attestation, User.full_name)
        .outerjoin(User, User.id == Attestation.attested_by)
        .where(Attestation.organization_id == organization_id, Attestation.id == attestation_id)
    )
    if lock:
        statement = statement.with_for_update(of=Attestation)
    return (await session.execute(statement)).first()


async def list_current(
    session: AsyncSession, organization_id: UUID
) -> Sequence[tuple[Attestation, str | None]]:
    """The newest of each subject that nobody withdrew, expired or not, with its author's name."""
    newest = (
        select(Attestation.id)
        .where(Attestation.organization_id == organization_id, Attestation.withdrawn_at.is_(None))
        .ext(distinct_on(Attestation.subject))
        .order_by(Attestation.subject, Attestation.id.desc())
    )
    statement = (
        select(Attestation, User.full_name)
        .outerjoin(User, User.id == Attestation.attested_by)
        .where(Attestation.organization_id == organization_id, Attestation.id.in_(newest))
    )
    return (await session.execute(statement)).all()


async def slice_all(
    session: AsyncSession, organization_id: UUID, subject: str | None, window: Window
) -> Sequence[tuple[Attestation, str | None]]:
    """As ``list_all`` by key, one more than the window holds."""
    statement = (
        select(Attestation, User.full_name)
        .outerjoin(User, User.id == Attestation.attested_by)
        .where(*_conditions(organization_id, subject))
    )
    return (await session.execute(NEWEST_FIRST.window(statement, window))).all()


async def count_all(session: AsyncSession, organization_id: UUID, subject: str | None) -> int:
    statement = (
        select(func.count()).select_from(Attestation).where(*_conditions(organization_id, subject))
    )
    return await session.scalar(statement) or 0


def _conditions(organization_id: UUID, subject: str | None) -> list[ColumnElement[bool]]:
    conditions = [Attestation.organization_id == organization_id]
    return conditions if subject is None else [*conditions, Attestation.subject == subject]


async def list_all(
    session: AsyncSession, organization_id: UUID, subject: str | None, page: PageRequest
) -> tuple[Sequence[tuple[Attestation, str | None]], int]:
    """Newest first, withdrawn ones too, with the number of all."""
    statement = (
        select(Attestation, User.full_name)
        .outerjoin(User, User.id == Attestation.attested_by)
        .where(*_conditions(organization_id, subject))
        .order_by(Attestation.id.desc())
        .offset(page.offset)
        .limit(page.page_size)
    )
    rows = (await session.execute(statement)).all()
    return rows, await count_all(session, organization_id, subject)
