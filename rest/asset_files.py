"""Assets as CSV files: import and export."""

from typing import Annotated, Self

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, UploadFile
from fastapi import Response as FastapiResponse
from pydantic import BaseModel, Field

from rest.assets import Filter
from rest.dependencies import CurrentActor, SharedResources, Work, may
from rest.schemas import AnyCase, Response, Text, errors
from services import assets
from services.actor import Permission
from services.assets import MAX_FILE_BYTES, ImportOptions, ImportReport, OnConflict
from services.database import utcnow

router = APIRouter(prefix="/assets", tags=["Assets"])


def require_multipart(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise HTTPException(415, "Send the file as multipart/form-data, in the field file")


class ImportOptionFields(BaseModel):
    """How to import; as query parameters or as fields of the form, which win."""

    dry_run: bool | None = Field(default=None, description="Say what would happen, write nothing.")
    on_conflict: Annotated[OnConflict, AnyCase] | None = Field(
        default=None, description="What to do where the target is an asset already; skip."
    )
    atomic: bool | None = Field(
        default=None, description="Write nothing at all when any row has an error."
    )
    default_tags: list[Text] | None = Field(
        default=None, description="Repeatable: given to every row, beside its own."
    )


class ImportForm(ImportOptionFields):
    file: UploadFile = Field(
        description="CSV with a header line: target_value, and any of name, target_type, tags,"
        " criticality, owner_email, description, is_active. At most 5 MB and 10,000 rows."
    )


def _options(query: ImportOptionFields, form: ImportForm) -> ImportOptions:
    given = query.model_dump(exclude_none=True) | form.model_dump(
        exclude_none=True, exclude={"file"}
    )
    return ImportOptions(
        is_dry_run=given.get("dry_run", False),
        on_conflict=given.get("on_conflict", OnConflict.SKIP),
        is_atomic=given.get("atomic", False),
        default_tags=given.get("default_tags", ()),
    )


class ImportDetail(Response):
    row: int = Field(description="The line of the file that the row begins in.")
    column: str | None
    value: str
    code: str
    message: str
    is_error: bool = Field(description="False: the row was skipped on purpose.")


class ImportResponse(Response):
    created: int
    updated: int
    skipped: int = Field(
        description="Watched already, unchanged, or named by an earlier row of the file."
    )
    failed: int = Field(description="Rows with an error.")
    errors: list[str]
    details: list[ImportDetail]
    details_truncated: bool = Field(description="Only the first 1,000 are listed.")
    warnings: list[str] = Field(description="About the file as a whole.")
    dry_run: bool

    @classmethod
    def of(cls, report: ImportReport, options: ImportOptions) -> Self:
        return cls(
            created=report.created,
            updated=report.updated,
            skipped=report.skipped,
            failed=report.failed,
            errors=report.errors,
            details=[ImportDetail.model_validate(issue) for issue in report.details],
            details_truncated=report.details_truncated,
            warnings=list(report.warnings),
            dry_run=options.is_dry_run,
        )


@router.post(
    "/import",
    status_code=201,
    dependencies=[Depends(may(Permission.ASSETS_WRITE)), Depends(require_multipart)],
    responses={
        200: {"model": ImportResponse, "description": "A dry run: nothing was written"},
        **errors(400, 401, 403, 413, 415),
    },
)
async def import_assets(
    work: Work,
    actor: CurrentActor,
    resources: SharedResources,
    response: FastapiResponse,
    query: Annotated[ImportOptionFields, Query()],
    form: Annotated[ImportForm, Form(media_type="multipart/form-data")],
) -> ImportResponse:
    """Watch every target in a CSV file, with an answer for each row that could not be taken."""
    content = await form.file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise HTTPException(413, f"A file has at most {MAX_FILE_BYTES} bytes")
    options = _options(query, form)
    policy = resources.settings.address_policy()
    report = await assets.import_assets(work, actor, policy, content, options)
    if options.is_dry_run:
        response.status_code = 200
    return ImportResponse.of(report, options)


@router.get(
    "/export",
    response_class=FastapiResponse,
    responses={
        **errors(401),
        200: {
            "description": "The file.",
            "content": {"text/csv": {"schema": {"type": "string"}}},
        },
    },
)
async def export_assets(work: Work, actor: CurrentActor, filter_: Filter) -> FastapiResponse:
    """All assets that the filter matches, as CSV that a spreadsheet opens and an import reads."""
    content = await assets.export_assets(work, actor, filter_)
    return FastapiResponse(
        content,
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="nis2_assets_{utcnow():%Y%m%d}.csv"',
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
