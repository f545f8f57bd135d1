"""The organization's posture: letters, points, and what people attest."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, Field, StringConstraints

from rest.conventions import REPEATABLE, ConventionRoute
from rest.dependencies import CurrentActor, Paging, ReadSession, Work, may
from rest.scan_shapes import MatrixLetter, MatrixPoint, TopLossResponse
from rest.schemas import PageResponse, Request, Response, Text, UtcTime, errors
from services import attestations, posture
from services.actor import Permission
from services.attestations import AttestationRequest, AttestationView
from services.compliance import DISCLAIMER, LEGAL_DATA_VERSION
from services.posture import Posture
from services.scanner.profile import ScanType
from services.scans import LatestScan

router = APIRouter(prefix="/compliance", tags=["Compliance"], route_class=ConventionRoute)

_WRITE = [Depends(may(Permission.COMPLIANCE_WRITE))]
Subject = Annotated[
    Text,
    StringConstraints(max_length=8),
    Field(description="A letter of Article 21(2), as a, or a point of the annex, as 1.1."),
]


class PostureScanResponse(Response):
    """A scan that no later one has replaced for at least one asset."""

    id: UUID
    name: str
    completed_at: UtcTime | None
    scan_type: ScanType
    catalog_version: str | None
    targets_in_scope: int
    targets_evaluated: int


class PostureCoverageResponse(Response):
    active_assets: int
    scanned_assets: int = Field(description="Active assets that a completed scan has looked at.")
    targets_in_scope: int = Field(description="Of the scans.")
    targets_evaluated: int
    checks_applicable: int = Field(description="Checks at endpoints, of the scans.")
    checks_evaluated: int


class PostureResponse(Response):
    """A technical exposure score of now. It is no degree of compliance."""

    score: int | None = Field(description="0 to 100, rounded down; null: nothing was evaluated.")
    score_exact: float | None
    grade: str | None
    scoring_version: str
    catalog_versions: list[str] = Field(
        description="Of the checks behind it; several: not all was looked at by the same ones."
    )
    legal_data_version: str
    unresolved: int
    accepted_risks: int = Field(description="Counted in the score: an accepted risk is a risk.")
    false_positives: int = Field(description="Left out of the score.")
    hosts_with_problems: int
    coverage: PostureCoverageResponse
    top_losses: list[TopLossResponse]
    letters: list[MatrixLetter] = Field(description="Of Article 21(2), a to j.")
    scans: list[PostureScanResponse] = Field(description="What it rests on, newest first.")
    disclaimer: str

    @classmethod
    def of(cls, found: Posture) -> Self:
        exposure, looks = found.exposure, found.looks
        return cls(
            score=exposure.score,
            score_exact=exposure.score_exact,
            grade=exposure.grade.value if exposure.grade else None,
            scoring_version=exposure.scoring_version,
            catalog_versions=list(found.catalog_versions),
            legal_data_version=LEGAL_DATA_VERSION,
            unresolved=found.live.unresolved,
            accepted_risks=found.live.accepted_risks,
            false_positives=found.live.false_positives,
            hosts_with_problems=exposure.hosts_with_problems,
            coverage=PostureCoverageResponse(
                active_assets=looks.active_assets,
                scanned_assets=looks.scanned_assets,
                targets_in_scope=sum(scan.targets_in_scope for scan in looks.scans),
                targets_evaluated=sum(scan.targets_evaluated for scan in looks.scans),
                checks_applicable=exposure.looked.applicable,
                checks_evaluated=exposure.looked.evaluated,
            ),
            top_losses=[TopLossResponse(**loss.as_json()) for loss in exposure.top_losses],
            letters=[MatrixLetter(**letter) for letter in found.letters],
            scans=[_scan(scan) for scan in looks.scans],
            disclaimer=DISCLAIMER,
        )


def _scan(scan: LatestScan) -> PostureScanResponse:
    return PostureScanResponse.model_validate(scan)


class AttestationCreateRequest(Request):
    subject: Subject
    statement: Annotated[Text, StringConstraints(min_length=1, max_length=4000)] = Field(
        examples=["The continuity plan was exercised in May; minutes are with the CISO."]
    )
    evidence_url: Annotated[Text, StringConstraints(max_length=2048)] | None = Field(
        default=None, examples=["https://wiki.example.org/continuity/2026-05"]
    )
    valid_until: AwareDatetime | None = Field(
        default=None, description="Until it is withdrawn or replaced unless given."
    )


class AttestationResponse(Response):
    """What a person states; it stands beside what machines saw and changes no status."""

    id: UUID
    subject: str
    statement: str
    evidence_url: str | None
    attested_by: UUID | None
    attested_by_name: str | None
    attested_at: UtcTime
    valid_until: UtcTime | None
    is_expired: bool
    withdrawn_at: UtcTime | None

    @classmethod
    def of(cls, view: AttestationView) -> Self:
        row = view.attestation
        return cls(
            id=row.id,
            subject=row.subject,
            statement=row.statement,
            evidence_url=row.evidence_url,
            attested_by=row.attested_by,
            attested_by_name=view.attested_by_name,
            attested_at=row.created_at,
            valid_until=row.valid_until,
            is_expired=view.is_expired,
            withdrawn_at=row.withdrawn_at,
        )


@router.get("", responses=errors(401))
async def get_posture(session: ReadSession, actor: CurrentActor) -> PostureResponse:
    """How the organization stands now: score, letters and points, and what they rest on."""
    return PostureResponse.of(await posture.get_posture(session, actor))


@router.get("/letters/{letter}", responses=errors(401, 404))
async def get_compliance_letter(
    session: ReadSession, actor: CurrentActor, letter: str
) -> MatrixLetter:
    """One letter of Article 21(2) with its points, as of now."""
    return MatrixLetter(**await posture.get_letter(session, actor, letter))


@router.get("/points/{point}", responses=errors(401, 404))
async def get_compliance_point(
    session: ReadSession, actor: CurrentActor, point: str
) -> MatrixPoint:
    """One point of the annex of Regulation (EU) 2024/2690, as of now."""
    return MatrixPoint(**await posture.get_point(session, actor, point))


@router.get("/attestations", responses=errors(400, 401))
async def list_attestations(
    session: ReadSession,
    actor: CurrentActor,
    paging: Paging,
    subject: Annotated[
        Text | None, Query(max_length=8, description="A letter, as a, or a point, as 1.1.")
    ] = None,
) -> PageResponse[AttestationResponse]:
    """The whole record, newest first: replaced, expired and withdrawn ones too."""
    page = await attestations.list_attestations(session, actor, paging, subject=subject)
    return PageResponse[AttestationResponse].of(page, AttestationResponse.of)


@router.post(
    "/attestations",
    status_code=201,
    dependencies=[*_WRITE, REPEATABLE],
    responses=errors(400, 401, 403),
)
async def attest(
    work: Work, actor: CurrentActor, body: AttestationCreateRequest
) -> AttestationResponse:
    """State something about a letter or a point; the newest of a subject stands in the matrix."""
    request = AttestationRequest(**body.model_dump())
    return AttestationResponse.of(await attestations.attest(work, actor, request))


@router.delete(
    "/attestations/{attestation_id}",
    status_code=204,
    dependencies=_WRITE,
    responses=errors(401, 403, 404),
)
async def withdraw_attestation(work: Work, actor: CurrentActor, attestation_id: UUID) -> None:
    """Withdraw an attestation; it stays on record."""
    await attestations.withdraw_attestation(work, actor, attestation_id)
