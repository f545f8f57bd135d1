"""Counts and trends of findings: read from what is maintained, whatever the number of findings."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.actor import Actor, Permission
from services.database import utcnow
from services.errors import InvalidInput
from services.findings import count_queries
from services.findings.count_queries import DayRow
from services.findings.filtering import FindingFilter
from services.findings.models import UNRESOLVED, FindingStatus
from services.scanner.check import Severity
from services.scanner.engine import CATALOGUE

MOST_DAYS = 731
"""Of one trend."""
DEFAULT_DAYS = 90
MOST_ASSETS = 20
"""Named in statistics."""

_LETTERS = "abcdefghij"


@dataclass(frozen=True, slots=True)
class FindingStats:
    """Each problem once, over all statuses unless the filter says otherwise; zeros present.

    Findings of deleted assets are left out.
    """

    matrix: Mapping[Severity, Mapping[FindingStatus, int]]
    by_category: Mapping[str, int] = field(default_factory=dict[str, int])
    by_letter: Mapping[str, int] = field(default_factory=dict[str, int])
    """Of Article 21(2); letters that no check counts for are 0."""
    by_asset: Mapping[UUID, int] = field(default_factory=dict[UUID, int])
    """Unresolved findings of the assets with most of them, most first."""
    overdue: Mapping[Severity, int] = field(default_factory=dict[Severity, int])
    """Unresolved past the due date, as of now."""

    @property
    def total(self) -> int:
        return sum(self.by_severity.values())

    @property
    def by_severity(self) -> dict[Severity, int]:
        return {severity: sum(row.values()) for severity, row in self.matrix.items()}

    @property
    def by_status(self) -> dict[FindingStatus, int]:
        return {
            status: sum(row[status] for row in self.matrix.values()) for status in FindingStatus
        }


async def finding_stats(
    session: AsyncSession, actor: Actor, filter_: FindingFilter
) -> FindingStats:
    """Summed from the maintained counts, or counted where the filter asks for more than they know.

    Three statements either way.
    """
    actor.require(Permission.FINDINGS_READ)
    organization_id = actor.organization_id
    if filter_.has_counts:
        maintained = await count_queries.read_counts(session, organization_id, filter_)
        rows = [row for row in maintained if filter_.matches(row.check_id)]
    else:
        rows = await count_queries.count_now(session, organization_id, filter_)
    matrix = {severity: dict.fromkeys(FindingStatus, 0) for severity in Severity}
    categories: Counter[str] = Counter()
    letters = Counter(dict.fromkeys(_LETTERS, 0))
    for row in rows:
        matrix[row.severity][row.status] += row.count
        categories[row.check_id.partition(".")[0]] += row.count
        if row.check_id in CATALOGUE:
            letters[CATALOGUE[row.check_id].letter] += row.count
    overdue = await count_queries.count_overdue(session, organization_id, filter_)
    return FindingStats(
        matrix,
        by_category=dict(sorted(categories.items())),
        by_letter=dict(letters),
        by_asset=await count_queries.worst_assets(
            session, organization_id, filter_, at_most=MOST_ASSETS
        ),
        overdue={severity: overdue.get(severity, 0) for severity in Severity},
    )


@dataclass(frozen=True, slots=True)
class Flow:
    """What happened in some days."""

    appeared: int = 0
    """Findings seen for the first time, or back."""
    fixed: int = 0
    """Resolved by a scan or a person; an asset that was removed fixes nothing."""
    fixed_late: int = 0
    """Of these, after their due date."""
    fix_seconds: int = 0

    @property
    def mean_seconds_to_resolve(self) -> int | None:
        """None where nothing was fixed."""
        return round(self.fix_seconds / self.fixed) if self.fixed else None

    @classmethod
    def of(cls, rows: Iterable[DayRow]) -> "Flow":
        rows = list(rows)
        return cls(
            appeared=sum(row.appeared for row in rows),
            fixed=sum(row.fixed for row in rows),
            fixed_late=sum(row.fixed_late for row in rows),
            fix_seconds=sum(row.fix_seconds for row in rows),
        )


@dataclass(frozen=True, slots=True)
class TrendDay:
    """How things stood at the end of a day (UTC), or stand now, and what happened in it."""

    day: date
    unresolved: Mapping[Severity, int]
    by_status: Mapping[FindingStatus, int]
    flow: Flow


@dataclass(frozen=True, slots=True)
class FindingTrend:
    days: Sequence[TrendDay]
    """Every day of the span, oldest first."""
    flow: Flow
    """Of the whole span."""


@dataclass(frozen=True, slots=True)
class Span:
    """Days, both inclusive. Raises InvalidInput for none or too many."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if not 0 <= (self.last - self.first).days < MOST_DAYS:
            raise InvalidInput(
                f"a trend is of 1 to {MOST_DAYS} days, the first day first", field="from"
            )

    @classmethod
    def of(cls, first: date | None, last: date | None) -> "Span":
        """The last 90 days unless given."""
        last = last or utcnow().date()
        return cls(first or last - timedelta(days=DEFAULT_DAYS - 1), last)

    def __iter__(self) -> Iterator[date]:
        for number in range((self.last - self.first).days + 1):
            yield self.first + timedelta(days=number)


async def finding_trend(
    session: AsyncSession,
    actor: Actor,
    span: Span,
    *,
    asset_id: UUID | None = None,
    letter: str | None = None,
) -> FindingTrend:
    """Of the organization, of one asset or of one letter: one statement.

    What stood on a day stays as it was then, also when a scan of that day is deleted. An unknown
    asset never had any. Raises InvalidInput for asset and letter at once.
    """
    actor.require(Permission.FINDINGS_READ)
    if asset_id is not None and letter is not None:
        raise InvalidInput("a trend is of an asset or of a letter", field="letter")
    rows = await count_queries.read_days(
        session,
        actor.organization_id,
        first=span.first,
        last=span.last,
        asset_id=asset_id,
        check_ids=[check_id for check_id, info in CATALOGUE.items() if info.letter == letter]
        if letter is not None
        else None,
    )
    return _trend(span, rows)


def _trend(span: Span, rows: Sequence[DayRow]) -> FindingTrend:
    by_day: defaultdict[date, list[DayRow]] = defaultdict(list)
    for row in rows:
        by_day[row.day].append(row)
    stock: Counter[tuple[Severity, FindingStatus]] = Counter()
    days: list[TrendDay] = []
    for day in (span.first - timedelta(days=1), *span):  # what was before stands on the day before
        for row in by_day[day]:
            stock[row.severity, row.status] += row.change
        if day < span.first:
            continue
        days.append(
            TrendDay(
                day,
                unresolved={
                    severity: sum(stock[severity, status] for status in UNRESOLVED)
                    for severity in Severity
                },
                by_status={
                    status: sum(stock[severity, status] for severity in Severity)
                    for status in FindingStatus
                },
                flow=Flow.of(by_day[day]),
            )
        )
    return FindingTrend(days, Flow.of(row for row in rows if row.day >= span.first))
