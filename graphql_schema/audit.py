"""The audit log of the active organization."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from graphql_schema.context import Info
from graphql_schema.cursors import CursorType, parse_number
from graphql_schema.inputs import texts
from graphql_schema.pagination import After, Before, Connection, First, Last, connection, window_of
from services import audit
from services.audit import AuditEntryView, AuditFilter

_CURSORS = CursorType("audit", (parse_number,))


@strawberry.type(name="AuditEntry", description="One act that stands in the audit log for good.")
class AuditEntryType:
    database_id: UUID = strawberry.field(description="What REST calls id.")
    sequence: int = strawberry.field(description="Its number in the log, without a gap.")
    at: datetime = strawberry.field(description="When it was done.")
    user_id: UUID | None = strawberry.field(description="Who did it; null for nobody we know.")
    user_name: str | None = strawberry.field(description="What they are called now.")
    api_key_id: UUID | None = strawberry.field(
        description="The API key that did it in their place."
    )
    action: str = strawberry.field(description="What was done, as noun.done.")
    subject_type: str = strawberry.field(description="What kind of thing it was done to.")
    subject_id: UUID | None = strawberry.field(description="The databaseId of that thing.")
    before: JSON | None = strawberry.field(description="What changed, as it was.")
    after: JSON | None = strawberry.field(description="What changed, as it is since.")
    request_id: str | None = strawberry.field(description="The X-Request-Id of the request.")
    address: str | None = strawberry.field(description="The client's address.")
    hash: str = strawberry.field(description="SHA-256 over the hash before it and this entry.")

    @classmethod
    def of(cls, view: AuditEntryView) -> Self:
        entry = view.entry
        return cls(
            database_id=entry.id,
            sequence=entry.sequence,
            at=entry.at,
            user_id=entry.user_id,
            user_name=view.user_name,
            api_key_id=entry.api_key_id,
            action=entry.action,
            subject_type=entry.subject_type,
            subject_id=entry.subject_id,
            before=JSON(entry.before) if entry.before is not None else None,
            after=JSON(entry.after) if entry.after is not None else None,
            request_id=entry.request_id,
            address=entry.address,
            hash=entry.hash.hex(),
        )


@strawberry.input(description="Which entries; each part that is not given asks for nothing.")
class AuditFilterInput:
    actions: list[str] | None = strawberry.field(
        default=None, description="Any of these actions, as member.removed."
    )
    user_id: UUID | None = strawberry.field(default=None, description="Who did it.")
    subject_id: UUID | None = strawberry.field(default=None, description="What it was done to.")
    since: datetime | None = strawberry.field(default=None, description="From this time on.")
    until: datetime | None = strawberry.field(default=None, description="Before this time.")

    def parsed(self) -> AuditFilter:
        return AuditFilter(
            texts(self.actions, "actions"), self.user_id, self.subject_id, self.since, self.until
        )


@strawberry.type
class AuditQuery:
    @strawberry.field(description="Who did what, newest first. For auditors and admins.")
    async def audit_log(
        self,
        info: Info,
        filter: Annotated[
            AuditFilterInput | None, strawberry.argument(description="Which entries.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[AuditEntryType]:
        window = window_of(_CURSORS, first=first, after=after, last=last, before=before)
        wanted = filter.parsed() if filter else AuditFilter()
        actor = info.context.actor
        async with info.context.read() as session:
            page = await audit.slice_audit_entries(session, actor, wanted, window)

        async def count() -> int:
            async with info.context.read() as session:
                return await audit.count_audit_entries(session, actor, wanted)

        return connection(
            page,
            _CURSORS,
            node=AuditEntryType.of,
            position=lambda view: (view.entry.sequence,),
            count=count,
        )
