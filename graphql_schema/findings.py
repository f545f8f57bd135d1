"""Findings: look at them, move them through their life, count them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from graphql_schema import inputs
from graphql_schema.context import Info
from graphql_schema.cursors import CursorType, parse_key, parse_rank
from graphql_schema.finding_order import FindingOrder, FindingOrderField
from graphql_schema.finding_stats import FindingStatsType
from graphql_schema.ids import Kind, global_id, key_of
from graphql_schema.nodes import Node
from graphql_schema.pagination import (
    After,
    Before,
    Connection,
    First,
    Last,
    connection,
    window_of,
)
from graphql_schema.payloads import Payload, typed_errors
from services import findings
from services.errors import NotFound
from services.findings import (
    FindingFilter,
    FindingFlag,
    FindingStatus,
    FindingView,
    Resolution,
)
from services.findings.connection import count_findings, slice_findings
from services.keyset import Position
from services.scanner.check import Severity

if TYPE_CHECKING:
    from graphql_schema.assets import AssetType
    from graphql_schema.scans import ScanType

_MAX_NOTE = 10_000
NEWEST_FIRST = CursorType("finding", (parse_key,))
WORST_FIRST = CursorType("finding-severity", (parse_rank, parse_key))


@strawberry.input(
    name="FindingFilter",
    description="Which findings: fields are ANDed, the members of a list ORed.",
)
class FindingFilterInput:
    severity: list[Severity] | None = strawberry.field(
        description="Any of these severities.", default=None
    )
    status: list[FindingStatus] | None = strawberry.field(
        description="Any of these states.", default=None
    )
    category: list[str] | None = strawberry.field(
        description="Any of these areas: tls, http, dns, mail, net.", default=None
    )
    check_id: list[str] | None = strawberry.field(description="Any of these checks.", default=None)
    asset_id: strawberry.ID | None = strawberry.field(
        description="Only of this asset.", default=None
    )
    letter: list[str] | None = strawberry.field(
        description="Any of these letters of Article 21(2), a to j.", default=None
    )
    point: list[str] | None = strawberry.field(
        description="Any of these points of the annex, as 9.2.", default=None
    )
    assigned_to: UUID | None = strawberry.field(
        description="Only those assigned to this user.", default=None
    )
    overdue: bool | None = strawberry.field(
        description="Whether it is unresolved past its due date.", default=None
    )
    needs_review: bool | None = strawberry.field(
        description="Whether it is a false positive that looks different since.", default=None
    )
    first_seen_from: datetime | None = strawberry.field(description="Inclusive.", default=None)
    first_seen_to: datetime | None = strawberry.field(description="Inclusive.", default=None)
    search: str | None = strawberry.field(
        description="A part of the message or the host; at most 200 characters.", default=None
    )


Filter = Annotated[
    FindingFilterInput | None, strawberry.argument(description="Which findings; all unless given.")
]


def finding_filter(
    given: FindingFilterInput | None, *, statuses: tuple[FindingStatus, ...] = ()
) -> FindingFilter:
    """``statuses`` where the filter names none. Raises InvalidInput, and NotFound for its asset."""
    if given is None:
        return FindingFilter(statuses=statuses)
    return FindingFilter(
        severities=tuple(inputs.items(given.severity, "severity")),
        statuses=tuple(inputs.items(given.status, "status")) or statuses,
        categories=tuple(value.lower() for value in inputs.texts(given.category, "category")),
        check_ids=inputs.texts(given.check_id, "check_id"),
        asset_id=key_of(Kind.ASSET, given.asset_id) if given.asset_id else None,
        letters=inputs.texts(given.letter, "letter"),
        points=inputs.texts(given.point, "point"),
        assigned_to=given.assigned_to,
        is_overdue=given.overdue,
        needs_review=given.needs_review,
        first_seen_from=given.first_seen_from,
        first_seen_to=given.first_seen_to,
        search=inputs.optional_text(given.search, "search", at_most=inputs.MAX_SEARCH),
    )


@strawberry.type(name="Finding", description="One problem of one organization, across scans.")
class FindingType(Node):
    database_id: UUID = strawberry.field(description="What REST calls id.")
    severity: Severity = strawberry.field(description="How bad it is, as last seen.")
    status: FindingStatus = strawberry.field(description="Where it is in its life.")
    category: str = strawberry.field(description="The area: tls, http, dns, mail or net.")
    check_id: str = strawberry.field(description="The check that found it.")
    title: str = strawberry.field(description="What the check is about.")
    message: str = strawberry.field(description="What is wrong here.")
    rationale: str | None = strawberry.field(description="Why it matters.")
    remediation: str | None = strawberry.field(description="What to do about it.")
    reference: str | None = strawberry.field(description="Standards and sources.")
    target: str = strawberry.field(description="Host and port.")
    host: str = strawberry.field(description="The host it was found on.")
    port: int | None = strawberry.field(description="The port; null for the host as a whole.")
    protocol: str = strawberry.field(description="What was spoken there: tls, http, dns, …")
    technical_detail: str | None = strawberry.field(description="The evidence in one line.")
    evidence: JSON = strawberry.field(description="What was seen, an object.")
    cvss_base_score: float | None = strawberry.field(description="CVSS, 0 to 10.")
    cvss_vector: str | None = strawberry.field(description="The CVSS vector behind the score.")
    compliance_article: str | None = strawberry.field(
        description="The letter of Article 21(2) of the NIS2 Directive."
    )
    annex_point: str | None = strawberry.field(
        description="The point of the annex of Regulation (EU) 2024/2690."
    )
    fingerprint: str = strawberry.field(description="The same problem at the same place, in hex.")
    assigned_to: UUID | None = strawberry.field(description="The user who works on it.")
    resolution_note: str | None = strawberry.field(description="What was said about it.")
    resolved_at: datetime | None = strawberry.field(description="When it was resolved.")
    due_at: datetime | None = strawberry.field(description="When it should be resolved.")
    accepted_until: datetime | None = strawberry.field(
        description="How long its risk stays accepted."
    )
    resolution: Resolution | None = strawberry.field(description="Why it counts as resolved.")
    accepted_by: UUID | None = strawberry.field(description="Who accepted its risk.")
    opened_at: datetime = strawberry.field(
        description="First seen, or back since: the clock of dueAt."
    )
    flags: list[FindingFlag] = strawberry.field(
        description="What to know before trusting its state."
    )
    occurrences: int = strawberry.field(description="Scans in which it was seen.")
    reopened_count: int = strawberry.field(description="Times it came back.")
    first_seen_at: datetime = strawberry.field(description="When it was first seen.")
    last_seen_at: datetime = strawberry.field(description="When it was last seen.")
    created_at: datetime = strawberry.field(description="When it was filed.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    asset_key: strawberry.Private[UUID | None]
    scan_key: strawberry.Private[UUID | None]

    @strawberry.field(description="The asset it belongs to; null when that was deleted.")
    async def asset(
        self, info: Info
    ) -> Annotated["AssetType", strawberry.lazy("graphql_schema.assets")] | None:
        from graphql_schema.assets import AssetType  # noqa: PLC0415 - the two know each other

        if self.asset_key is None:
            return None
        loaders = info.context.nested
        view = await loaders.asset.load(self.asset_key)
        return AssetType.of(view) if view else None

    @strawberry.field(
        description="The scan that saw it last; in the findings of one scan, that scan."
    )
    async def scan(
        self, info: Info
    ) -> Annotated["ScanType", strawberry.lazy("graphql_schema.scans")] | None:
        from graphql_schema.scans import ScanType  # noqa: PLC0415 - the two know each other

        if self.scan_key is None:
            return None
        row = await info.context.nested.scan.load(self.scan_key)
        return ScanType.of(row) if row else None

    @classmethod
    def of(cls, view: FindingView) -> Self:
        row = view.finding
        return cls(
            id=global_id(Kind.FINDING, row.id),
            database_id=row.id,
            severity=view.severity,
            status=row.status,
            category=row.category,
            check_id=row.check_id,
            message=view.message,
            target=view.target,
            host=row.host,
            port=row.port,
            protocol=row.protocol,
            technical_detail=view.technical_detail,
            evidence=JSON(dict(view.evidence)),
            fingerprint=view.fingerprint,
            assigned_to=row.assigned_to,
            resolution_note=row.resolution_note,
            resolved_at=row.resolved_at,
            due_at=row.due_at,
            accepted_until=row.accepted_until,
            resolution=row.resolution,
            accepted_by=row.accepted_by,
            opened_at=row.opened_at,
            flags=view.flags,
            occurrences=row.occurrences,
            reopened_count=row.reopened_count,
            first_seen_at=row.first_seen_at,
            last_seen_at=row.last_seen_at,
            created_at=row.created_at,
            updated_at=row.updated_at,
            asset_key=row.asset_id,
            scan_key=view.scan_id,
            title=view.title,
            rationale=view.rationale,
            remediation=view.remediation,
            reference=view.reference,
            cvss_base_score=view.cvss_base_score,
            cvss_vector=view.cvss_vector,
            compliance_article=view.compliance_article,
            annex_point=view.annex_point,
        )


def by_severity(view: FindingView) -> Position:
    return (view.severity, view.id)


def _by_key(view: FindingView) -> Position:
    return (view.id,)


@strawberry.type
class FindingQuery:
    @strawberry.field(description="One finding; null for an unknown or foreign one.")
    async def finding(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> FindingType | None:
        try:
            view = await info.context.loaders.finding.load(key_of(Kind.FINDING, id))
        except NotFound:
            return None
        return FindingType.of(view) if view else None

    @strawberry.field(
        description="Findings of the active organization, newest first unless ordered."
    )
    async def findings(
        self,
        info: Info,
        filter: Filter = None,
        order_by: Annotated[
            FindingOrder | None, strawberry.argument(description="Newest first unless given.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[FindingType]:
        context, order = info.context, order_by or FindingOrder()
        is_ranked = order.field is FindingOrderField.SEVERITY
        cursors = WORST_FIRST if is_ranked else NEWEST_FIRST
        window = window_of(cursors, first=first, after=after, last=last, before=before)
        chosen = finding_filter(filter)

        async def count() -> int:
            async with context.read() as session:
                return await count_findings(session, context.actor, chosen)

        async with context.read() as session:
            page = await slice_findings(session, context.actor, chosen, window, order.ordering)
        position = by_severity if is_ranked else _by_key
        return connection(page, cursors, node=FindingType.of, position=position, count=count)

    @strawberry.field(description="Counts of the active organization's findings.")
    async def finding_stats(self, info: Info, filter: Filter = None) -> FindingStatsType:
        async with info.context.read() as session:
            stats = await findings.finding_stats(
                session, info.context.actor, finding_filter(filter)
            )
        return FindingStatsType.of(stats)


@strawberry.input(description="What to change; fields that are left out stay as they are.")
class UpdateFindingInput:
    id: strawberry.ID = strawberry.field(description="The finding.")
    status: strawberry.Maybe[FindingStatus] = strawberry.field(
        description="Its new state.", default=None
    )
    assigned_to: strawberry.Maybe[UUID | None] = strawberry.field(
        description="A member of the organization; null for nobody.", default=None
    )
    resolution_note: strawberry.Maybe[str | None] = strawberry.field(
        description="At most 10000 characters; null clears it.", default=None
    )
    due_at: strawberry.Maybe[datetime | None] = strawberry.field(
        description="When it should be resolved; null clears it.", default=None
    )
    accepted_until: strawberry.Maybe[datetime | None] = strawberry.field(
        description="How long its risk stays accepted; null clears it.", default=None
    )

    def changes(self) -> dict[str, Any]:  # Any: column values
        """Only the fields that were given. Raises InvalidInput."""
        given = {
            name: maybe.value
            for name in ("status", "assigned_to", "resolution_note", "due_at", "accepted_until")
            if (maybe := getattr(self, name)) is not None
        }
        if given.get("resolution_note"):
            inputs.text(given["resolution_note"], "resolution_note", at_most=_MAX_NOTE)
        return given


@strawberry.type(description="What updateFinding answers.")
class UpdateFindingPayload(Payload):
    finding: FindingType | None = strawberry.field(
        description="The finding as it is now.", default=None
    )


@strawberry.input(description="The same change for many findings; all of them or none.")
class BulkUpdateFindingsInput:
    ids: list[strawberry.ID] = strawberry.field(
        description="1 to 1000 findings; one named twice counts once."
    )
    status: FindingStatus = strawberry.field(description="Their new state.")
    resolution_note: str | None = strawberry.field(
        description="At most 10000 characters; overwrites each note only when given.", default=None
    )


@strawberry.type(description="What bulkUpdateFindings answers.")
class BulkUpdateFindingsPayload(Payload):
    updated_count: int = strawberry.field(description="Findings that were changed.", default=0)
    unchanged_count: int = strawberry.field(
        description="Findings that were as asked for already.", default=0
    )
    not_found_ids: list[strawberry.ID] = strawberry.field(
        description="Ids of no finding of this organization.", default_factory=list[strawberry.ID]
    )


@strawberry.type
class FindingMutation:
    @strawberry.mutation(description="Change a finding's state, assignee, note or dates.")
    @typed_errors
    async def update_finding(
        self,
        info: Info,
        input: Annotated[UpdateFindingInput, strawberry.argument(description="What to change.")],
    ) -> UpdateFindingPayload:
        async with info.context.write() as work:
            view = await findings.update_finding(
                work, info.context.actor, key_of(Kind.FINDING, input.id), input.changes()
            )
        return UpdateFindingPayload(finding=FindingType.of(view))

    @strawberry.mutation(description="Change state and note of up to 1000 findings at once.")
    @typed_errors
    async def bulk_update_findings(
        self,
        info: Info,
        input: Annotated[BulkUpdateFindingsInput, strawberry.argument(description="Which.")],
    ) -> BulkUpdateFindingsPayload:
        ids = inputs.items(input.ids, "ids", at_most=findings.MAX_BULK)
        note = inputs.optional_text(input.resolution_note, "resolution_note", at_most=_MAX_NOTE)
        async with info.context.write() as work:
            outcome = await findings.bulk_update_findings(
                work,
                info.context.actor,
                [key_of(Kind.FINDING, each) for each in ids],
                status=input.status,
                resolution_note=note,
            )
        return BulkUpdateFindingsPayload(
            updated_count=outcome.updated,
            unchanged_count=outcome.unchanged,
            not_found_ids=[global_id(Kind.FINDING, key) for key in outcome.not_found],
        )
