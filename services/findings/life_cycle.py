"""How people move findings through their life: one at a time, or up to a thousand at once."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services import organizations
from services.actor import Actor, Permission, Role
from services.database import Change, UnitOfWork, utcnow
from services.database.recording import plain
from services.errors import InvalidInput, InvalidRequest, NotFound, PermissionDenied
from services.events import FINDING_CHANGED, Event
from services.findings import life_queries
from services.findings.history_queries import store_events
from services.findings.life_state import COLUMNS, Changes, LifeState, Row
from services.findings.models import FindingStatus
from services.findings.rules import SEVERE, LifeRules, read_rules
from services.findings.service import get_finding
from services.findings.views import FindingView

MAX_NOTE_LENGTH = 10_000
MAX_BULK = 1000
_NAMED = 20
"""Findings that a refusal lists."""


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

    Setting what it has leaves no trace. Raises NotFound, InvalidInput, InvalidRequest, and
    PermissionDenied for a severe risk that only an admin may accept here.
    """
    actor.require(Permission.FINDINGS_WRITE)
    found = await life_queries.lock_life_states(work.session, actor.organization_id, [finding_id])
    if not found:
        raise NotFound("finding")
    if not changes:
        raise InvalidRequest("No field to change was given", code="nothing_to_update")
    await _change(work, actor, found, changes)
    return await get_finding(work.session, actor, finding_id)


async def bulk_update_findings(
    work: UnitOfWork,
    actor: Actor,
    finding_ids: Sequence[UUID],
    *,
    status: FindingStatus,
    resolution_note: str | None = None,
) -> BulkOutcome:
    """The same change for 1 to 1000 findings, all or none, in a handful of statements.

    The note overwrites only when given. Ids of nothing are no error: they are given back. Raises
    as ``update_finding`` does, naming the findings that stand in the way.
    """
    actor.require(Permission.FINDINGS_WRITE)
    wanted = list(dict.fromkeys(finding_ids))
    if not 1 <= len(wanted) <= MAX_BULK:
        raise InvalidInput(f"finding_ids must hold 1 to {MAX_BULK} ids", field="finding_ids")
    changes: Changes = {"status": status}
    if resolution_note is not None:
        changes = {**changes, "resolution_note": resolution_note}
    found = await life_queries.lock_life_states(work.session, actor.organization_id, wanted)
    updated = await _change(work, actor, found, changes)
    return BulkOutcome(
        updated=updated,
        unchanged=len(found) - updated,
        not_found=[finding_id for finding_id in wanted if finding_id not in found],
    )


async def _change(
    work: UnitOfWork, actor: Actor, found: Mapping[UUID, Row], changes: Changes
) -> int:
    """Write the change and its history, and tell it after the commit; gives back to how many."""
    now = utcnow()
    await _require_acceptable(work.session, actor, changes)
    before = {finding_id: LifeState.of(row) for finding_id, row in found.items()}
    after = {key: state.after(changes, actor.user_id, now) for key, state in before.items()}
    rules = await read_rules(work.session, actor.organization_id)
    _require_allowed(actor, rules, found, before, after, changes, now)
    moved = {key: state for key, state in after.items() if state != before[key]}
    if not moved:
        return 0
    await life_queries.store_life_states(
        work.session,
        actor.organization_id,
        [{"id": key, **asdict(state)} for key, state in moved.items()],
        now,
    )
    events = [event for key, state in moved.items() for event in state.steps_from(before[key], key)]
    await store_events(work.session, actor.organization_id, events, now, actor_id=actor.user_id)
    work.record(actor, "finding.updated", _recorded(before, moved))
    for key in moved:
        work.announce(Event(actor.organization_id, FINDING_CHANGED, key))
    return len(moved)


def _recorded(before: Mapping[UUID, LifeState], after: Mapping[UUID, LifeState]) -> Change:
    """One entry for all of them: what has changed in each."""
    changed = {
        key: [name for name in COLUMNS if getattr(before[key], name) != getattr(state, name)]
        for key, state in after.items()
    }

    def values(states: Mapping[UUID, LifeState]) -> dict[str, object]:
        return {
            str(key): {name: plain(getattr(states[key], name)) for name in names}
            for key, names in changed.items()
        }

    return Change(
        "finding", next(iter(after)) if len(after) == 1 else None, values(before), values(after)
    )


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


def _require_allowed(
    actor: Actor,
    rules: LifeRules,
    found: Mapping[UUID, Row],
    before: Mapping[UUID, LifeState],
    after: Mapping[UUID, LifeState],
    changes: Changes,
    now: datetime,
) -> None:
    """What the organization wants of an accepted risk, and what an end date needs."""
    accepted = {k: s for k, s in after.items() if s.status is FindingStatus.ACCEPTED_RISK}
    until: datetime | None = changes.get("accepted_until")
    if until is not None and len(accepted) < len(after):
        raise InvalidRequest(
            "accepted_until is for accepted risks: set status to accepted_risk with it",
            code="not_accepted",
        )
    if until is not None and until <= now:
        raise InvalidRequest("accepted_until must lie in the future", code="accepted_until_past")
    touched = [key for key, state in accepted.items() if state != before[key]]
    bare = [key for key in touched if not (accepted[key].resolution_note or "").strip()]
    if rules.requires_justification and bare:
        raise InvalidRequest(
            "This organization wants a reason for every accepted risk: give resolution_note"
            f" ({_listed(bare)})",
            code="justification_required",
        )
    severe = [key for key in touched if found[key]["severity"] in SEVERE]
    if rules.needs_admin_for_severe and severe and actor.role is not Role.ADMIN:
        raise PermissionDenied(
            "In this organization only an admin accepts the risk of a critical or high finding"
            f" ({_listed(severe)})",
            code="acceptance_needs_admin",
        )


def _listed(finding_ids: Sequence[UUID]) -> str:
    named = ", ".join(str(finding_id) for finding_id in finding_ids[:_NAMED])
    more = len(finding_ids) - _NAMED
    return f"{named} and {more} more" if more > 0 else named
