"""What a change makes of a finding: one rule for one finding and for a thousand. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

from services.findings.history_models import FindingEventKind
from services.findings.history_queries import EventRow
from services.findings.models import FindingStatus, Resolution

ACCEPTANCE = timedelta(days=180)
"""How long a risk stays accepted when nobody says until when: never for ever."""

Changes = Mapping[str, Any]  # Any: column values; only the fields a caller gave
Row = dict[str, Any]  # Any: column values of one row


@dataclass(frozen=True, slots=True)
class LifeState:
    """The columns of a finding that its life is written in."""

    status: FindingStatus
    resolution: Resolution | None
    resolved_at: datetime | None
    resolution_note: str | None
    assigned_to: UUID | None
    due_at: datetime | None
    is_due_fixed: bool
    accepted_until: datetime | None
    accepted_by: UUID | None
    acceptance_notice: int | None
    needs_review: bool

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:  # Any: column values
        return cls(**{name: row[name] for name in COLUMNS})

    def after(self, changes: Changes, actor_id: UUID, now: datetime) -> "LifeState":
        """What the changes make of it; the status it has already changes nothing.

        Whoever sets a status of a false positive has looked at it again.
        """
        given = {name: changes[name] for name in _PLAIN if name in changes}
        new = replace(self, **given)
        if "due_at" in changes:
            new = replace(new, is_due_fixed=True)
        if "status" in changes:
            new = replace(new, needs_review=False)
        status: FindingStatus = changes.get("status", self.status)
        if status is not self.status:
            is_resolved = status is FindingStatus.RESOLVED
            new = replace(
                new,
                status=status,
                resolved_at=now if is_resolved else None,
                resolution=Resolution.MANUAL if is_resolved else None,
                accepted_by=actor_id if status is FindingStatus.ACCEPTED_RISK else None,
            )
        return _with_acceptance(new, self, now)

    def steps_from(self, before: "LifeState", finding_id: UUID) -> Iterator[EventRow]:
        """The history of getting here, one step for each thing that changed."""
        is_moved = before.status is not self.status
        if is_moved:
            yield EventRow(
                finding_id,
                FindingEventKind.STATUS,
                before.status,
                self.status,
                note=self.resolution_note,
            )
        for kind, name in _TOLD:
            old, new = getattr(before, name), getattr(self, name)
            # The note of a new status stands in its step; so does that an acceptance ended.
            is_told = is_moved and (name == "resolution_note" or new is None)
            if old != new and not is_told:
                yield EventRow(finding_id, kind, _text(old), _text(new))
        if before.needs_review and not self.needs_review:
            yield EventRow(finding_id, FindingEventKind.REVIEW, "needed", "done")


def _with_acceptance(state: LifeState, before: LifeState, now: datetime) -> LifeState:
    """An acceptance has an end, and nothing else has one."""
    if state.status is not FindingStatus.ACCEPTED_RISK:
        return replace(state, accepted_until=None, acceptance_notice=None)
    until = state.accepted_until or now + ACCEPTANCE
    notice = state.acceptance_notice if until == before.accepted_until else None
    return replace(state, accepted_until=until, acceptance_notice=notice)


COLUMNS = tuple(field.name for field in fields(LifeState))
_PLAIN = ("resolution_note", "assigned_to", "due_at", "accepted_until")
_TOLD = (
    (FindingEventKind.NOTE, "resolution_note"),
    (FindingEventKind.ASSIGNEE, "assigned_to"),
    (FindingEventKind.DUE, "due_at"),
    (FindingEventKind.ACCEPTANCE, "accepted_until"),
)


def _text(value: str | UUID | datetime | None) -> str | None:
    return value.isoformat() if isinstance(value, datetime) else value and str(value)
