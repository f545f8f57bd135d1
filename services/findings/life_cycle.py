"""How people move findings through their life: one at a time, or up to a thousand at once.

One rule for both: ``LifeState.after`` says what a change makes of a finding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services import organizations
from services.actor import Actor, Permission
from services.database import UnitOfWork, utcnow
from services.errors import InvalidInput, InvalidRequest, NotFound
from services.events import Event
from services.findings import life_queries, queries
from services.findings.models import Finding, FindingEvent, FindingStatus
from services.findings.service import named_views
from services.findings.views import FindingView
from services.identifiers import uuid7

ACCEPTANCE = timedelta(days=180)
"""How long a risk stays accepted when nobody says until when."""
MAX_NOTE_LENGTH = 10_000
MAX_BULK = 1000
_PLAIN = ("resolution_note", "accepted_until")

Changes = Mapping[str, Any]  # Any: column values; only the fields a caller gave


@dataclass(frozen=True, slots=True)
class LifeState:
    """The columns of a finding that its life is written in."""

    status: FindingStatus
    resolved_at: datetime | None
    accepted_until: datetime | None
    resolution_note: str | None

    @classmethod
    def of(cls, finding: Finding) -> Self:
        return cls(
            finding.status, finding.resolved_at, finding.accepted_until, finding.resolution_note
        )

    def after(self, changes: Changes, now: datetime) -> Self:
        """What the changes make of it; the status it has already changes nothing."""
        given = {
            key: changes[key] for key in ("resolution_note", "accepted_until") if key in changes
        }
        noted = replace(self, **given)
        status: FindingStatus = changes.get("status", self.status)
        if status is self.status:
            return noted
        is_accepted = status is FindingStatus.ACCEPTED_RISK
        return replace(
            noted,
            status=status,
            resolved_at=now if status is FindingStatus.RESOLVED else None,
            accepted_until=(noted.accepted_until or now + ACCEPTANCE) if is_accepted else None,
        )


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """What became of each finding that was asked for; the numbers add up to ``total_requested``."""

    updated: int
    unchanged: int
    not_found: Sequence[UUID]
    """Unknown, or another organization's: the caller cannot tell which."""

    @property
    def total_requested(self) -> int:
        """Findings, not ids: one that was named twice counts once."""
        return self.updated + self.unchanged + len(self.not_found)


async def update_finding(
    work: UnitOfWork, actor: Actor, finding_id: UUID, changes: Changes
) -> FindingView:
    """Change ``status, resolution_note, assigned_to, due_at`` or ``accepted_until``.

    Setting the status it has leaves no trace. Raises NotFound, InvalidInput, InvalidRequest.
    """
    actor.require(Permission.FINDINGS_WRITE)
    finding = await queries.find_finding(work.session, actor.organization_id, finding_id, lock=True)
    if finding is None:
        raise NotFound("finding")
    if not changes:
        raise InvalidRequest("No field to change was given", code="nothing_to_update")
    await _require_acceptable(work.session, actor, changes)
    before = LifeState.of(finding)
    after = before.after(changes, utcnow())
    others = {key: changes[key] for key in ("assigned_to", "due_at") if key in changes}
    for column, value in (asdict(after) | others).items():
        setattr(finding, column, value)
    if after.status is not before.status:
        work.session.add(_event(actor, finding.id, before, after))
    work.announce(Event(actor.organization_id, "finding.changed", finding.id))
    await work.session.flush()
    return (await named_views(work.session, actor, [(finding, None)]))[0]


async def bulk_update_findings(
    work: UnitOfWork,
    actor: Actor,
    finding_ids: Sequence[UUID],
    *,
    status: FindingStatus,
    resolution_note: str | None = None,
) -> BulkOutcome:
    """The same change for 1 to 1000 findings, all or none, in four statements.

    The note overwrites only when given. Ids of nothing are no error: they are given back. Raises
    InvalidInput.
    """
    actor.require(Permission.FINDINGS_WRITE)
    wanted = list(dict.fromkeys(finding_ids))
    if not 1 <= len(wanted) <= MAX_BULK:
        raise InvalidInput(f"finding_ids must hold 1 to {MAX_BULK} ids", field="finding_ids")
    changes: Changes = {"status": status}
    if resolution_note is not None:
        changes = {**changes, "resolution_note": resolution_note}
    await _require_acceptable(work.session, actor, changes)
    now = utcnow()
    found = await life_queries.lock_life_states(work.session, actor.organization_id, wanted)
    steps = {
        finding_id: (before, after)
        for finding_id, columns in found.items()
        if (after := (before := LifeState(**columns)).after(changes, now)) != before
    }
    await _store(work, actor, steps, now)
    return BulkOutcome(
        updated=len(steps),
        unchanged=len(found) - len(steps),
        not_found=[finding_id for finding_id in wanted if finding_id not in found],
    )


async def _store(
    work: UnitOfWork,
    actor: Actor,
    steps: Mapping[UUID, tuple[LifeState, LifeState]],
    now: datetime,
) -> None:
    """Write the steps, one event for each change of status, and tell it after the commit."""
    if not steps:
        return
    await life_queries.store_life_states(
        work.session,
        actor.organization_id,
        [{"id": finding_id, **asdict(after)} for finding_id, (_, after) in steps.items()],
        now,
    )
    moved = [
        {
            "id": uuid7(),
            "finding_id": finding_id,
            "from_status": before.status,
            "to_status": after.status,
            "note": after.resolution_note,
        }
        for finding_id, (before, after) in steps.items()
        if after.status is not before.status
    ]
    await life_queries.store_events(work.session, actor.organization_id, actor.user_id, moved, now)
    for finding_id in steps:
        work.announce(Event(actor.organization_id, "finding.changed", finding_id))


async def _require_acceptable(session: AsyncSession, actor: Actor, changes: Changes) -> None:
    if "status" in changes and changes["status"] is None:
        raise InvalidInput("status may not be null", field="status")
    if len(changes.get("resolution_note") or "") > MAX_NOTE_LENGTH:
        raise InvalidInput(
            f"resolution_note has at most {MAX_NOTE_LENGTH} characters", field="resolution_note"
        )
    assignee: UUID | None = changes.get("assigned_to")
    if assignee is not None and not await organizations.is_member(
        session, actor.organization_id, assignee
    ):
        raise InvalidRequest("assigned_to is no member of this organization", code="not_a_member")


def _event(actor: Actor, finding_id: UUID, before: LifeState, after: LifeState) -> FindingEvent:
    return FindingEvent(
        organization_id=actor.organization_id,
        finding_id=finding_id,
        actor_id=actor.user_id,
        from_status=before.status,
        to_status=after.status,
        note=after.resolution_note,
    )
