"""What happened to a finding, and what people said about it."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

import strawberry

from graphql_schema import inputs
from graphql_schema.context import Info
from graphql_schema.cursors import CursorType, parse_key
from graphql_schema.ids import Kind, key_of
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
from services.findings import CommentView, EventView, FindingEventKind
from services.findings.history import (
    count_finding_comments,
    count_finding_history,
    slice_finding_comments,
    slice_finding_history,
)
from services.keyset import Position

_EVENTS = CursorType("finding-event", (parse_key,))
_COMMENTS = CursorType("finding-comment", (parse_key,))
FindingId = Annotated[strawberry.ID, strawberry.argument(description="The finding.")]


@strawberry.type(name="FindingEvent", description="One step in the life of a finding.")
class FindingEventType:
    database_id: UUID = strawberry.field(description="What REST calls id.")
    at: datetime = strawberry.field(description="When it happened.")
    kind: FindingEventKind = strawberry.field(description="What changed.")
    before: str | None = strawberry.field(description="What it was; null for nothing.")
    after: str | None = strawberry.field(description="What it became; null for nothing.")
    note: str | None = strawberry.field(description="Why.")
    actor_id: UUID | None = strawberry.field(description="Who did it; null: the platform itself.")
    actor_name: str | None = strawberry.field(description="Their name.")
    scan_key: UUID | None = strawberry.field(
        name="scanDatabaseId", description="The scan that saw it, where one did."
    )

    @classmethod
    def of(cls, view: EventView) -> Self:
        event = view.event
        return cls(
            database_id=event.id,
            at=event.created_at,
            kind=event.kind,
            before=event.before,
            after=event.after,
            note=event.note,
            actor_id=event.actor_id,
            actor_name=view.actor_name,
            scan_key=event.scan_id,
        )


@strawberry.type(name="FindingComment", description="What somebody said about a finding.")
class FindingCommentType:
    database_id: UUID = strawberry.field(description="What REST calls id.")
    text: str = strawberry.field(description="What they said.")
    author_id: UUID | None = strawberry.field(description="Null once their account was erased.")
    author_name: str | None = strawberry.field(description="Their name.")
    created_at: datetime = strawberry.field(description="When they said it.")

    @classmethod
    def of(cls, view: CommentView) -> Self:
        return cls(
            database_id=view.comment.id,
            text=view.comment.text,
            author_id=view.comment.author_id,
            author_name=view.author_name,
            created_at=view.comment.created_at,
        )


def _event_position(view: EventView) -> Position:
    return (view.event.id,)


def _comment_position(view: CommentView) -> Position:
    return (view.comment.id,)


@strawberry.type
class FindingHistoryQuery:
    @strawberry.field(
        description="Who changed what and which scan saw what, newest first; an error, and null,"
        " for an unknown or foreign finding."
    )
    async def finding_history(
        self,
        info: Info,
        id: FindingId,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[FindingEventType] | None:
        context, key = info.context, key_of(Kind.FINDING, id)
        window = window_of(_EVENTS, first=first, after=after, last=last, before=before)

        async def count() -> int:
            async with context.read() as session:
                return await count_finding_history(session, context.actor, key)

        async with context.read() as session:
            page = await slice_finding_history(session, context.actor, key, window)
        return connection(
            page, _EVENTS, node=FindingEventType.of, position=_event_position, count=count
        )

    @strawberry.field(
        description="What people said about a finding, oldest first; an error, and null, for an"
        " unknown or foreign one."
    )
    async def finding_comments(
        self,
        info: Info,
        id: FindingId,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[FindingCommentType] | None:
        context, key = info.context, key_of(Kind.FINDING, id)
        window = window_of(_COMMENTS, first=first, after=after, last=last, before=before)

        async def count() -> int:
            async with context.read() as session:
                return await count_finding_comments(session, context.actor, key)

        async with context.read() as session:
            page = await slice_finding_comments(session, context.actor, key, window)
        return connection(
            page, _COMMENTS, node=FindingCommentType.of, position=_comment_position, count=count
        )


@strawberry.input(description="What to say about which finding.")
class CommentOnFindingInput:
    id: strawberry.ID = strawberry.field(description="The finding.")
    text: str = strawberry.field(description="1 to 10000 characters; it stays as it is.")


@strawberry.type(description="What commentOnFinding answers.")
class CommentOnFindingPayload(Payload):
    comment: FindingCommentType | None = strawberry.field(
        description="What was said.", default=None
    )


@strawberry.type
class FindingHistoryMutation:
    @strawberry.mutation(description="Say something about a finding.")
    @typed_errors
    async def comment_on_finding(
        self,
        info: Info,
        input: Annotated[CommentOnFindingInput, strawberry.argument(description="What to say.")],
    ) -> CommentOnFindingPayload:
        said = inputs.text(input.text, "text", at_least=1, at_most=findings.MAX_COMMENT_LENGTH)
        async with info.context.write() as work:
            view = await findings.comment_on_finding(
                work, info.context.actor, key_of(Kind.FINDING, input.id), said
            )
        return CommentOnFindingPayload(comment=FindingCommentType.of(view))
