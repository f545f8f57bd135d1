"""Which findings somebody asks for, as both doors say it and as SQL."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, func, select

from services.compliance import point_of
from services.findings.models import UNRESOLVED, Finding, FindingStatus, Observation
from services.scanner.check import Severity
from services.scanner.engine import CATALOGUE


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """Which findings; fields are ANDed, the members of one field ORed. Empty means any."""

    severities: tuple[Severity, ...] = ()
    statuses: tuple[FindingStatus, ...] = ()
    categories: tuple[str, ...] = ()
    check_ids: tuple[str, ...] = ()
    letters: tuple[str, ...] = ()
    """Of Article 21(2)."""
    points: tuple[str, ...] = ()
    """Of the annex; a check is of its primary point."""
    asset_id: UUID | None = None
    scan_id: UUID | None = None
    """Seen by this scan."""
    assigned_to: UUID | None = None
    is_overdue: bool | None = None
    needs_review: bool | None = None
    first_seen_from: datetime | None = None
    """Inclusive."""
    first_seen_to: datetime | None = None
    """Inclusive."""
    search: str | None = None
    """A part of the message or the host."""

    @property
    def has_counts(self) -> bool:
        """Whether it asks for nothing but what is counted all the time."""
        return self == FindingFilter(
            severities=self.severities,
            statuses=self.statuses,
            categories=self.categories,
            check_ids=self.check_ids,
            letters=self.letters,
            points=self.points,
        )

    def matches(self, check_id: str) -> bool:
        """Whether findings of this check are asked for, as far as the check decides it."""
        info = CATALOGUE.get(check_id)
        letter, point = (info.letter, point_of(info.points[0]).id) if info else (None, None)
        return (
            (not self.check_ids or check_id in self.check_ids)
            and (not self.categories or check_id.partition(".")[0] in self.categories)
            and (not self.letters or letter in self.letters)
            and (not self.points or point in self.points)
        )


def filter_conditions(organization_id: UUID, filter_: FindingFilter) -> list[ColumnElement[bool]]:
    return [Finding.organization_id == organization_id, *matching(filter_)]


def matching(filter_: FindingFilter) -> list[ColumnElement[bool]]:
    """The conditions of the filter, without a tenant's."""
    return [*_members(filter_), *_single(filter_), *_dates(filter_)]


def _members(filter_: FindingFilter) -> Iterator[ColumnElement[bool]]:
    if filter_.severities:
        yield Finding.severity.in_(filter_.severities)
    if filter_.statuses:
        yield Finding.status.in_(filter_.statuses)
    if filter_.categories:
        yield Finding.category.in_(filter_.categories)
    if filter_.check_ids:
        yield Finding.check_id.in_(filter_.check_ids)
    if filter_.letters or filter_.points:
        yield Finding.check_id.in_([check for check in CATALOGUE if filter_.matches(check)])


def _single(filter_: FindingFilter) -> Iterator[ColumnElement[bool]]:
    if filter_.asset_id is not None:
        yield Finding.asset_id == filter_.asset_id
    if filter_.scan_id is not None:
        yield _is_seen_by(filter_.scan_id)
    if filter_.assigned_to is not None:
        yield Finding.assigned_to == filter_.assigned_to
    if filter_.needs_review is not None:
        yield Finding.needs_review.is_(filter_.needs_review)
    if filter_.search:
        yield Finding.message.icontains(filter_.search, autoescape=True) | Finding.host.icontains(
            filter_.search, autoescape=True
        )


def _dates(filter_: FindingFilter) -> Iterator[ColumnElement[bool]]:
    if filter_.is_overdue is not None:
        yield is_overdue() if filter_.is_overdue else ~is_overdue()
    if filter_.first_seen_from is not None:
        yield Finding.first_seen_at >= filter_.first_seen_from
    if filter_.first_seen_to is not None:
        yield Finding.first_seen_at <= filter_.first_seen_to


def is_overdue() -> ColumnElement[bool]:
    """Unresolved past its due date; never null."""
    return and_(
        Finding.status.in_(UNRESOLVED),
        ~Finding.is_retired,
        func.coalesce(Finding.due_at < func.now(), false()),
    )


def _is_seen_by(scan_id: UUID) -> ColumnElement[bool]:
    return (
        select(Observation.finding_id)
        .where(
            Observation.organization_id == Finding.organization_id,
            Observation.scan_id == scan_id,
            Observation.finding_id == Finding.id,
        )
        .exists()
    )
