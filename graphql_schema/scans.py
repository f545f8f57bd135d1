"""Scans: start one, follow it, read what it saw, stop it, delete it."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from graphql_schema import inputs
from graphql_schema.context import Info
from graphql_schema.cursors import CursorType, parse_key
from graphql_schema.findings import (
    WORST_FIRST,
    Filter,
    FindingType,
    by_severity,
    finding_filter,
)
from graphql_schema.idempotency import KEY_DESCRIPTION, once
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
from graphql_schema.scan_results import TARGET_CURSORS, ScanResultType, by_target
from services import scans
from services.errors import NotFound
from services.findings.connection import ParentWindow
from services.keyset import Position, Slice
from services.scanner.profile import Features
from services.scanner.profile import ScanType as ScanDepth
from services.scans import Scan, ScanQuota, ScanRequest, ScanStatus, ScanWait
from services.scans.connection import count_scans, slice_scans

_CURSORS = CursorType("scan", (parse_key,))
_MAX_NAME = 256
_MAX_ASSETS = 1000


@strawberry.input(name="ScanFilter", description="Which scans.")
class ScanFilterInput:
    status: list[ScanStatus] | None = strawberry.field(
        description="Any of these states.", default=None
    )


@strawberry.type(description="How many findings a scan saw, by severity.")
class SeverityCounts:
    critical: int = strawberry.field(description="Critical ones.")
    high: int = strawberry.field(description="High ones.")
    medium: int = strawberry.field(description="Medium ones.")
    low: int = strawberry.field(description="Low ones.")
    info: int = strawberry.field(description="Informational ones.")


@strawberry.type(name="Scan", description="One run of the checks against some assets.")
class ScanType(Node):
    database_id: UUID = strawberry.field(description="What REST calls id.")
    name: str = strawberry.field(description="What people call it.")
    status: ScanStatus = strawberry.field(description="Where it is in its life.")
    scan_type: ScanDepth = strawberry.field(description="How deep it looks.")
    waits_for: ScanWait | None = strawberry.field(
        description="What keeps it from going on, when something does."
    )
    progress: int = strawberry.field(description="Percent of targets done.")
    targets_total: int = strawberry.field(description="Hosts in its scope.")
    targets_done: int = strawberry.field(description="Hosts finished.")
    hosts_scanned: int = strawberry.field(description="Hosts that were looked at.")
    hosts_alive: int = strawberry.field(description="Hosts that answered.")
    finding_counts: SeverityCounts = strawberry.field(description="What it saw, counted.")
    total_score: int | None = strawberry.field(
        description="Compliance, 0 to 100; null until it has completed."
    )
    score_lower: int | None = strawberry.field(
        description="The score if all that could not be evaluated were bad."
    )
    grade: str | None = strawberry.field(description="The score as a letter.")
    scoring_version: str | None = strawberry.field(description="The rules of the score.")
    catalog_version: str | None = strawberry.field(description="The checks it ran.")
    is_partial: bool = strawberry.field(description="Whether some targets were not evaluated.")
    compliance_matrix: JSON | None = strawberry.field(
        description="By measure, art21_a to art21_j; null until it has completed."
    )
    assessment: JSON | None = strawberry.field(
        description="Coverage and top losses: what must be shown beside a score."
    )
    executive_summary: str | None = strawberry.field(description="The result in a few sentences.")
    config_snapshot: JSON = strawberry.field(
        description="Scope and options as they were asked for, an object."
    )
    created_by: UUID | None = strawberry.field(description="The user who started it.")
    schedule_id: UUID | None = strawberry.field(description="The schedule that started it.")
    error_code: str | None = strawberry.field(description="Why it failed, for programs.")
    error_message: str | None = strawberry.field(description="Why it failed.")
    started_at: datetime | None = strawberry.field(description="When a worker began.")
    completed_at: datetime | None = strawberry.field(description="When it ended, however it did.")
    duration_seconds: float | None = strawberry.field(description="From start to end.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    updated_at: datetime = strawberry.field(description="When it last moved.")

    @strawberry.field(description="What each target answered, by target.")
    async def results(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ScanResultType]:
        loaders = info.context.nested
        window = window_of(TARGET_CURSORS, first=first, after=after, last=last, before=before)
        key = self.database_id

        async def count() -> int:
            return await loaders.result_count_of_scan.load(key) or 0

        page = await loaders.results_of_scan(window).load(key)
        return connection(
            page or Slice(()),
            TARGET_CURSORS,
            node=ScanResultType.of,
            position=by_target,
            count=count,
        )

    @strawberry.field(description="What this scan saw, as it saw it, worst first.")
    async def findings(
        self,
        info: Info,
        filter: Filter = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[FindingType]:
        loaders = info.context.nested
        window = window_of(WORST_FIRST, first=first, after=after, last=last, before=before)
        chosen = finding_filter(filter)
        key = self.database_id

        async def count() -> int:
            return await loaders.finding_count_of_scan(chosen).load(key) or 0

        page = await loaders.findings_of_scan(ParentWindow(window, chosen)).load(key)
        return connection(
            page or Slice(()),
            WORST_FIRST,
            node=FindingType.of,
            position=by_severity,
            count=count,
        )

    @classmethod
    def of(cls, row: Scan) -> Self:
        return cls(
            id=global_id(Kind.SCAN, row.id),
            database_id=row.id,
            name=row.name,
            status=row.status,
            scan_type=row.scan_type,
            waits_for=row.waits_for,
            progress=row.progress,
            targets_total=row.targets_total,
            targets_done=row.targets_done,
            hosts_scanned=row.hosts_scanned,
            hosts_alive=row.hosts_alive,
            finding_counts=SeverityCounts(
                critical=row.findings_critical,
                high=row.findings_high,
                medium=row.findings_medium,
                low=row.findings_low,
                info=row.findings_info,
            ),
            total_score=row.total_score,
            score_lower=row.score_lower,
            grade=row.grade,
            scoring_version=row.scoring_version,
            catalog_version=row.catalog_version,
            is_partial=row.partial,
            compliance_matrix=_json(row.compliance_matrix),
            assessment=_json(row.assessment),
            executive_summary=row.executive_summary,
            config_snapshot=JSON(row.config_snapshot),
            created_by=row.created_by,
            schedule_id=row.schedule_id,
            error_code=row.error_code,
            error_message=row.error_message,
            started_at=row.started_at,
            completed_at=row.completed_at,
            duration_seconds=row.duration_seconds,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


@strawberry.type
class ScanQuery:
    @strawberry.field(description="One scan; null for an unknown or foreign one.")
    async def scan(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> ScanType | None:
        try:
            row = await info.context.loaders.scan.load(key_of(Kind.SCAN, id))
        except NotFound:
            return None
        return ScanType.of(row) if row else None

    @strawberry.field(description="Scans of the active organization, newest first.")
    async def scans(
        self,
        info: Info,
        filter: Annotated[
            ScanFilterInput | None,
            strawberry.argument(description="Which scans; all unless given."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ScanType]:
        context = info.context
        window = window_of(_CURSORS, first=first, after=after, last=last, before=before)
        statuses = inputs.items(filter.status if filter else None, "status")

        async def count() -> int:
            async with context.read() as session:
                return await count_scans(session, context.actor, statuses)

        async with context.read() as session:
            page = await slice_scans(session, context.actor, statuses, window)
        return connection(page, _CURSORS, node=ScanType.of, position=_position, count=count)


@strawberry.input(description="The switches of a custom scan.")
class ScanFeaturesInput:
    port_scan: bool = strawberry.field(description="Look for open ports.", default=True)
    web_checks: bool = strawberry.field(description="Look at web servers.", default=True)
    dns_checks: bool = strawberry.field(description="Look at the DNS.", default=True)
    whois_checks: bool = strawberry.field(description="Look at registration data.", default=True)

    def features(self) -> Features:
        return Features(
            port_scan=self.port_scan,
            web_checks=self.web_checks,
            dns_checks=self.dns_checks,
            whois_checks=self.whois_checks,
        )


@strawberry.input(description="What to scan and how.")
class CreateScanInput:
    asset_ids: list[strawberry.ID] = strawberry.field(
        description="The assets, at least one; all of them must be usable."
    )
    name: str | None = strawberry.field(description="The date unless given.", default=None)
    scan_type: ScanDepth = strawberry.field(description="How deep to look.", default=ScanDepth.FULL)
    features: ScanFeaturesInput | None = strawberry.field(
        description="For a custom scan; all on unless given.", default=None
    )
    concurrency: int | None = strawberry.field(
        description="Targets at once, 1 to 200.", default=None
    )
    scan_timeout_seconds: int | None = strawberry.field(
        description="Limit of one probe, 1 to 120.", default=None
    )
    max_hosts: int | None = strawberry.field(
        description="Refuse a scope with more hosts; 0 for the platform's own limit.",
        default=None,
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def scan_request(self) -> ScanRequest:
        """Raises InvalidInput, and NotFound for the id of something else."""
        return ScanRequest(
            asset_ids=[
                key_of(Kind.ASSET, asset_id)
                for asset_id in inputs.items(self.asset_ids, "asset_ids", at_most=_MAX_ASSETS)
            ],
            name=inputs.optional_text(self.name, "name", at_least=1, at_most=_MAX_NAME),
            scan_type=self.scan_type,
            features=self.features.features() if self.features else None,
            concurrency=inputs.number(self.concurrency, "concurrency", at_least=1, at_most=200),
            scan_timeout_s=inputs.number(
                self.scan_timeout_seconds, "scan_timeout_seconds", at_least=1, at_most=120
            ),
            max_hosts=inputs.number(self.max_hosts, "max_hosts", at_least=0, at_most=100_000),
        )


@strawberry.input(description="Which scan to stop.")
class CancelScanInput:
    id: strawberry.ID = strawberry.field(description="The scan.")


@strawberry.input(description="Which scan to delete.")
class DeleteScanInput:
    id: strawberry.ID = strawberry.field(description="The scan.")


@strawberry.type(description="What createScan answers.")
class CreateScanPayload(Payload):
    scan: ScanType | None = strawberry.field(description="The new scan.", default=None)


@strawberry.type(description="What cancelScan answers.")
class CancelScanPayload(Payload):
    scan: ScanType | None = strawberry.field(description="The scan as it is now.", default=None)


@strawberry.type(description="What deleteScan answers.")
class DeleteScanPayload(Payload):
    deleted_scan_id: strawberry.ID | None = strawberry.field(
        description="The id that is gone.", default=None
    )


@strawberry.type
class ScanMutation:
    @strawberry.mutation(description="Create and queue a scan.")
    @typed_errors
    async def create_scan(
        self,
        info: Info,
        input: Annotated[CreateScanInput, strawberry.argument(description="What to scan.")],
    ) -> CreateScanPayload:
        actor = info.context.actor
        quota = ScanQuota.of(info.context.resources.settings)
        async with info.context.write() as work:
            scan = await once(
                work,
                actor,
                input,
                make=lambda: scans.create_scan(work, actor, input.scan_request(), quota),
                find=lambda key: scans.get_scan(work.session, actor, key),
                key=lambda scan: scan.id,
            )
        return CreateScanPayload(scan=ScanType.of(scan))

    @strawberry.mutation(
        description="Stop a pending or running scan; finished targets keep their results."
    )
    @typed_errors
    async def cancel_scan(
        self,
        info: Info,
        input: Annotated[CancelScanInput, strawberry.argument(description="Which scan.")],
    ) -> CancelScanPayload:
        async with info.context.write() as work:
            scan = await scans.cancel_scan(work, info.context.actor, key_of(Kind.SCAN, input.id))
        return CancelScanPayload(scan=ScanType.of(scan))

    @strawberry.mutation(
        description="Delete a scan, its results, reports, and the findings only it saw (admin)."
    )
    @typed_errors
    async def delete_scan(
        self,
        info: Info,
        input: Annotated[DeleteScanInput, strawberry.argument(description="Which scan.")],
    ) -> DeleteScanPayload:
        key = key_of(Kind.SCAN, input.id)
        async with info.context.write() as work:
            await scans.delete_scan(work, info.context.actor, key)
        return DeleteScanPayload(deleted_scan_id=global_id(Kind.SCAN, key))


def _position(scan: Scan) -> Position:
    return (scan.id,)


def _json(value: dict[str, Any] | None) -> JSON | None:  # Any: a JSON object
    return None if value is None else JSON(value)
