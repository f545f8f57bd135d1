"""What the clock does to findings: accepted risks come back by themselves; counts are folded."""

from datetime import timedelta
from uuid import UUID

from services.database import Database, Scope, utcnow
from services.events import Event
from services.findings import count_queries, life_queries
from services.findings.history_models import FindingEventKind
from services.findings.history_queries import EventRow, store_events
from services.findings.models import FindingStatus

NOTICES = (14, 3)
"""Days before the end of an acceptance on which it is told; most first."""
_AT_MOST = 500
"""Organizations in one go; the next go takes the rest."""
_FOLD_FROM = 50
"""Unfolded changes of one organization that are worth a fold."""


async def keep_up_findings(database: Database) -> int:
    """End acceptances whose time has come and tell of those that end soon. Safe to run anywhere.

    Gives back how many findings are open again.
    """
    now = utcnow()
    async with database.read(Scope(is_sweep=True)) as session:
        organization_ids = await life_queries.list_organizations_with_ending(
            session, now, NOTICES, at_most=_AT_MOST
        )
    return sum([await _keep_up(database, each) for each in organization_ids])


async def _keep_up(database: Database, organization_id: UUID) -> int:
    now = utcnow()
    async with database.transaction(Scope(organization_id=organization_id)) as work:
        ended = await life_queries.end_acceptances(work.session, organization_id, now)
        events = [
            EventRow(
                finding_id,
                FindingEventKind.STATUS,
                FindingStatus.ACCEPTED_RISK,
                FindingStatus.OPEN,
                note=f"accepted until {until:%Y-%m-%d %H:%M} UTC",
            )
            for finding_id, until in ended
        ]
        told: dict[UUID, int] = {}
        for days in reversed(NOTICES):  # what ends in two days is told so, and not also as fourteen
            noted = await life_queries.note_ending(
                work.session, organization_id, now + timedelta(days=days), days
            )
            told |= dict.fromkeys(noted, days)
        events += [
            EventRow(finding_id, FindingEventKind.NOTICE, None, str(days))
            for finding_id, days in told.items()
        ]
        await store_events(work.session, organization_id, events, now)
        for finding_id, _ in ended:
            work.announce(Event(organization_id, "finding.changed", finding_id))
        for finding_id, days in told.items():
            work.announce(
                Event(organization_id, "finding.acceptance_ends", finding_id, {"days": days})
            )
    return len(ended)


async def fold_counts(database: Database) -> int:
    """Sum the changes of each day into one row per key; gives back for how many organizations.

    Safe to run anywhere, also twice at once: what one transaction takes out it puts back summed.
    """
    async with database.read(Scope(is_sweep=True)) as session:
        organization_ids = await count_queries.list_unfolded(
            session, at_least=_FOLD_FROM, at_most=_AT_MOST
        )
    for organization_id in organization_ids:
        async with database.transaction(Scope(organization_id=organization_id)) as work:
            await count_queries.fold(work.session, organization_id)
    return len(organization_ids)
