"""What happened to a finding, what people said about it, and the findings of one asset."""

from dataclasses import replace
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field, StringConstraints

from rest.conventions import REPEATABLE, ConventionRoute
from rest.dependencies import CurrentActor, Paging, ReadSession, Work, may
from rest.findings import FilterOfAsset, FindingResponse, Sorting
from rest.schemas import PageResponse, Request, Response, Text, UtcTime, errors
from services import assets, findings
from services.actor import Permission
from services.findings import CommentView, EventView, FindingEventKind

router = APIRouter(tags=["Findings"], route_class=ConventionRoute)

_WRITE = [Depends(may(Permission.FINDINGS_WRITE))]


class FindingEventResponse(Response):
    """One step in the life of a finding."""

    id: UUID
    at: UtcTime
    kind: FindingEventKind
    before: str | None = Field(description="Of what the kind names; null for nothing.")
    after: str | None
    note: str | None
    actor_id: UUID | None = Field(description="null: the platform itself.")
    actor_name: str | None
    scan_id: UUID | None = Field(description="The scan that saw it, where one did.")

    @classmethod
    def of(cls, view: EventView) -> Self:
        event = view.event
        return cls(
            id=event.id,
            at=event.created_at,
            kind=event.kind,
            before=event.before,
            after=event.after,
            note=event.note,
            actor_id=event.actor_id,
            actor_name=view.actor_name,
            scan_id=event.scan_id,
        )


class FindingCommentRequest(Request):
    text: Annotated[
        Text, StringConstraints(min_length=1, max_length=findings.MAX_COMMENT_LENGTH)
    ] = Field(examples=["The vendor ships the fix on Tuesday."])


class FindingCommentResponse(Response):
    id: UUID
    text: str
    author_id: UUID | None = Field(description="null once their account was erased.")
    author_name: str | None
    created_at: UtcTime

    @classmethod
    def of(cls, view: CommentView) -> Self:
        comment = view.comment
        return cls(
            id=comment.id,
            text=comment.text,
            author_id=comment.author_id,
            author_name=view.author_name,
            created_at=comment.created_at,
        )


@router.get("/findings/{finding_id}/history", responses=errors(400, 401, 404))
async def list_finding_history(
    session: ReadSession, actor: CurrentActor, finding_id: UUID, paging: Paging
) -> PageResponse[FindingEventResponse]:
    """Who changed what and which scan saw what, newest first."""
    page = await findings.list_finding_history(session, actor, finding_id, paging)
    return PageResponse[FindingEventResponse].of(page, FindingEventResponse.of)


@router.get("/findings/{finding_id}/comments", responses=errors(400, 401, 404))
async def list_finding_comments(
    session: ReadSession, actor: CurrentActor, finding_id: UUID, paging: Paging
) -> PageResponse[FindingCommentResponse]:
    """What people said, oldest first."""
    page = await findings.list_finding_comments(session, actor, finding_id, paging)
    return PageResponse[FindingCommentResponse].of(page, FindingCommentResponse.of)


@router.post(
    "/findings/{finding_id}/comments",
    status_code=201,
    dependencies=[*_WRITE, REPEATABLE],
    responses=errors(401, 403, 404),
)
async def comment_on_finding(
    work: Work, actor: CurrentActor, finding_id: UUID, body: FindingCommentRequest
) -> FindingCommentResponse:
    """Say something about a finding; it stays as it is."""
    view = await findings.comment_on_finding(work, actor, finding_id, body.text)
    return FindingCommentResponse.of(view)


@router.get("/assets/{asset_id}/findings", tags=["Assets"], responses=errors(400, 401, 404))
async def list_asset_findings(
    session: ReadSession,
    actor: CurrentActor,
    asset_id: UUID,
    paging: Paging,
    filter_: FilterOfAsset,
    sort: Sorting = None,
) -> PageResponse[FindingResponse]:
    """The findings of one asset, worst first unless sorted; takes the filters of findings."""
    await assets.get_asset(session, actor, asset_id)
    filter_ = replace(filter_, asset_id=asset_id)
    page = await findings.list_findings(session, actor, filter_, paging, sort or "-severity")
    return PageResponse[FindingResponse].of(page, FindingResponse.of)
