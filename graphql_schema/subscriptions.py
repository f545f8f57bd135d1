"""What happens, as it happens: scans that go on and end, findings that people move.

A stream ends with an error when the token ends, or the role or membership changes.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Self
from uuid import UUID

import strawberry

from graphql_schema.context import Info
from graphql_schema.findings import FindingType
from graphql_schema.ids import Kind, key_of
from graphql_schema.scans import ScanType
from services import scans
from services.actor import Permission
from services.events import FINDING_CHANGED, SCAN_COMPLETED
from services.scans import ScanProgress, ScanStatus


@strawberry.type(name="ScanProgress", description="One step of a scan.")
class ScanProgressType:
    status: ScanStatus = strawberry.field(description="Where it is in its life.")
    progress: int = strawberry.field(
        description="Percent of targets done; never less than in the step before."
    )
    target: str | None = strawberry.field(description="The target that was finished just now.")
    score: int | None = strawberry.field(description="Once it has completed.")
    scan_key: strawberry.Private[UUID]

    @strawberry.field(description="The scan as it is now; null when it was deleted meanwhile.")
    async def scan(self, info: Info) -> ScanType | None:
        row = await info.context.loaders.scan.load(self.scan_key)
        return ScanType.of(row) if row else None

    @classmethod
    def of(cls, step: ScanProgress) -> Self:
        return cls(
            status=step.status,
            progress=step.progress,
            target=step.target,
            score=step.score,
            scan_key=step.scan_id,
        )


@strawberry.type(
    description="What happens in the active organization, over graphql-transport-ws or server-sent"
    " events. A stream ends with an error when the token, the role or the membership ends."
)
class Subscription:
    @strawberry.subscription(
        description="The steps of a scan, the state of now first, until it has ended."
    )
    async def scan_progress(
        self,
        info: Info,
        scan_id: Annotated[strawberry.ID, strawberry.argument(description="The scan.")],
    ) -> AsyncGenerator[ScanProgressType, None]:
        context, key = info.context, key_of(Kind.SCAN, scan_id)
        async with context.events() as events:
            steps = scans.watch_scan(context.resources.database, context.actor, events, key)
            async with aclosing(steps):
                async for step in steps:
                    yield ScanProgressType.of(step)

    @strawberry.subscription(
        description="Scans that end, whichever way; null for one that was deleted."
    )
    async def scan_completed(self, info: Info) -> AsyncGenerator[ScanType | None, None]:
        context = info.context
        context.actor.require(Permission.SCANS_READ)
        async with context.events() as events:
            async for event in events:
                if event.kind == SCAN_COMPLETED:
                    row = await context.loaders.scan.load(event.subject_id)
                    yield ScanType.of(row) if row else None

    @strawberry.subscription(description="Findings whose state, assignee or dates people change.")
    async def finding_changed(self, info: Info) -> AsyncGenerator[FindingType, None]:
        context = info.context
        context.actor.require(Permission.FINDINGS_READ)
        async with context.events() as events:
            async for event in events:
                if event.kind == FINDING_CHANGED:
                    view = await context.loaders.finding.load(event.subject_id)
                    if view is not None:
                        yield FindingType.of(view)
