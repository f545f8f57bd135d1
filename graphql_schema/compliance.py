"""The organization's posture: letters, points, and what people attest."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

import strawberry

from graphql_schema import inputs
from graphql_schema.context import Info
from graphql_schema.cursors import CursorType, parse_key
from graphql_schema.finding_stats import SeverityCount
from graphql_schema.ids import Kind, global_id
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
from services import attestations, posture
from services.attestations import AttestationRequest, AttestationView
from services.compliance import LEGAL_DATA_VERSION, MatrixStatus
from services.keyset import Position
from services.posture import Posture
from services.scanner.check import Severity
from services.scans import LatestScan

Json = dict[str, Any]  # Any: a JSON object of the matrix
_NEWEST = CursorType("attestation", (parse_key,))


@strawberry.type(
    name="Attestation",
    description="What a person states; it stands beside what machines saw and changes no status.",
)
class AttestationType:
    database_id: UUID = strawberry.field(description="What REST calls id.")
    statement: str = strawberry.field(description="What they state.")
    evidence_url: str | None = strawberry.field(description="Where the evidence is.")
    attested_by: UUID | None = strawberry.field(description="Who; null once erased.")
    attested_by_name: str | None = strawberry.field(description="Their name.")
    attested_at: datetime = strawberry.field(description="When they stated it.")
    valid_until: datetime | None = strawberry.field(
        description="Null: until it is withdrawn or replaced."
    )
    is_expired: bool = strawberry.field(description="Whether that time has come.")
    subject: str | None = strawberry.field(
        description="A letter, as a, or a point, as 1.1; null inside of one.", default=None
    )
    withdrawn_at: datetime | None = strawberry.field(
        description="When it was withdrawn; it stays on record.", default=None
    )

    @classmethod
    def of(cls, view: AttestationView) -> Self:
        row = view.attestation
        return cls(
            database_id=row.id,
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

    @classmethod
    def in_matrix(cls, found: Json | None) -> Self | None:
        if found is None:
            return None
        until: str | None = found["valid_until"]
        by: str | None = found["attested_by"]
        return cls(
            database_id=UUID(found["id"]),
            statement=found["statement"],
            evidence_url=found["evidence_url"],
            attested_by=UUID(by) if by else None,
            attested_by_name=found["attested_by_name"],
            attested_at=datetime.fromisoformat(found["attested_at"]),
            valid_until=datetime.fromisoformat(until) if until else None,
            is_expired=found["is_expired"],
        )


def _counts(found: Json) -> list[SeverityCount]:
    return [
        SeverityCount(severity=Severity(name), count=count)
        for name, count in found["counts"].items()
    ]


@strawberry.type(
    name="CompliancePoint", description="A point of the annex of Regulation (EU) 2024/2690."
)
class CompliancePointType:
    point: str = strawberry.field(description="Its number, as 9.2.")
    heading: str = strawberry.field(description="A short label in our words.")
    letters: list[str] = strawberry.field(description="Letters of Article 21(2) it details.")
    status: MatrixStatus = strawberry.field(description="What machines can say. Never compliant.")
    evidence_class: str = strawberry.field(
        description="S strong, I indicative, P process, M manual."
    )
    counts: list[SeverityCount] = strawberry.field(description="Failed checks by severity.")
    checks_applicable: int = strawberry.field(description="Checks at endpoints.")
    checks_evaluated: int = strawberry.field(description="Of these, that came to a conclusion.")
    score: int | None = strawberry.field(description="0 to 100; null: nothing was evaluated.")
    note: str = strawberry.field(description="What a failed check says about it.")
    iso27001: list[str] = strawberry.field(description="Numbers of ISO/IEC 27001:2022.")
    csf2: list[str] = strawberry.field(description="Numbers of NIST CSF 2.0.")
    cis8: list[str] = strawberry.field(description="Numbers of the CIS Controls 8.1.")
    attestation: AttestationType | None = strawberry.field(description="A person's statement.")

    @classmethod
    def of(cls, found: Json) -> Self:
        return cls(
            point=found["point"],
            heading=found["heading"],
            letters=found["letters"],
            status=MatrixStatus(found["status"]),
            evidence_class=found["evidence_class"],
            counts=_counts(found),
            checks_applicable=found["coverage"]["checks_applicable"],
            checks_evaluated=found["coverage"]["checks_evaluated"],
            score=found["score"],
            note=found["note"],
            iso27001=found["iso_27001"],
            csf2=found["csf_2"],
            cis8=found["cis_8"],
            attestation=AttestationType.in_matrix(found["attestation"]),
        )


@strawberry.type(name="ComplianceLetter", description="A letter of NIS2 Article 21(2).")
class ComplianceLetterType:
    letter: str = strawberry.field(description="a to j.")
    title: str = strawberry.field(description="What it is about.")
    description: str = strawberry.field(description="The same in a sentence.")
    status: MatrixStatus = strawberry.field(description="What machines can say. Never compliant.")
    counts: list[SeverityCount] = strawberry.field(description="Failed checks by severity.")
    checks_applicable: int = strawberry.field(description="Checks at endpoints.")
    checks_evaluated: int = strawberry.field(description="Of these, that came to a conclusion.")
    score: int | None = strawberry.field(description="0 to 100; null: nothing was evaluated.")
    points: list[CompliancePointType] = strawberry.field(description="Points of the annex.")
    limits: str = strawberry.field(description="What was not looked at.")
    attestation: AttestationType | None = strawberry.field(description="A person's statement.")

    @classmethod
    def of(cls, found: Json) -> Self:
        return cls(
            letter=found["letter"],
            title=found["title"],
            description=found["description"],
            status=MatrixStatus(found["status"]),
            counts=_counts(found),
            checks_applicable=found["coverage"]["checks_applicable"],
            checks_evaluated=found["coverage"]["checks_evaluated"],
            score=found["score"],
            points=[CompliancePointType.of(point) for point in found["points"]],
            limits=found["limits"],
            attestation=AttestationType.in_matrix(found["attestation"]),
        )


@strawberry.type(description="A scan that no later one has replaced for at least one asset.")
class PostureScan:
    scan_id: strawberry.ID = strawberry.field(description="The scan, for node.")
    database_id: UUID = strawberry.field(description="What REST calls id.")
    name: str = strawberry.field(description="Its name.")
    completed_at: datetime | None = strawberry.field(description="When it ended.")
    targets_in_scope: int = strawberry.field(description="Targets it was asked for.")
    targets_evaluated: int = strawberry.field(description="Targets it could judge.")

    @classmethod
    def of(cls, scan: LatestScan) -> Self:
        return cls(
            scan_id=global_id(Kind.SCAN, scan.id),
            database_id=scan.id,
            name=scan.name,
            completed_at=scan.completed_at,
            targets_in_scope=scan.targets_in_scope,
            targets_evaluated=scan.targets_evaluated,
        )


@strawberry.type(
    name="CompliancePosture",
    description="A technical exposure score of now, and what it rests on. No degree of compliance.",
)
class CompliancePostureType:
    score: int | None = strawberry.field(description="0 to 100; null: nothing was evaluated.")
    grade: str | None = strawberry.field(description="A to D, or F.")
    scoring_version: str = strawberry.field(description="The rules of the score.")
    catalog_versions: list[str] = strawberry.field(description="The checks behind it.")
    legal_data_version: str = strawberry.field(description="The data of the annex.")
    unresolved: int = strawberry.field(description="Unresolved findings of active assets.")
    accepted_risks: int = strawberry.field(description="Counted in the score.")
    false_positives: int = strawberry.field(description="Left out of the score.")
    hosts_with_problems: int = strawberry.field(description="Hosts that lower the score.")
    active_assets: int = strawberry.field(description="Assets that are watched.")
    scanned_assets: int = strawberry.field(description="Of these, that a scan has looked at.")
    letters: list[ComplianceLetterType] = strawberry.field(description="a to j.")
    scans: list[PostureScan] = strawberry.field(description="What it rests on, newest first.")

    @classmethod
    def of(cls, found: Posture) -> Self:
        exposure, live, looks = found.exposure, found.live, found.looks
        return cls(
            score=exposure.score,
            grade=exposure.grade.value if exposure.grade else None,
            scoring_version=exposure.scoring_version,
            catalog_versions=list(found.catalog_versions),
            legal_data_version=LEGAL_DATA_VERSION,
            unresolved=live.unresolved,
            accepted_risks=live.accepted_risks,
            false_positives=live.false_positives,
            hosts_with_problems=exposure.hosts_with_problems,
            active_assets=looks.active_assets,
            scanned_assets=looks.scanned_assets,
            letters=[ComplianceLetterType.of(letter) for letter in found.letters],
            scans=[PostureScan.of(scan) for scan in looks.scans],
        )


def _position(view: AttestationView) -> Position:
    return (view.attestation.id,)


@strawberry.type
class ComplianceQuery:
    @strawberry.field(description="How the active organization stands now.")
    async def compliance_posture(self, info: Info) -> CompliancePostureType:
        async with info.context.read() as session:
            found = await posture.get_posture(session, info.context.actor)
        return CompliancePostureType.of(found)

    @strawberry.field(description="One letter with its points; an error, and null, for another.")
    async def compliance_letter(
        self,
        info: Info,
        letter: Annotated[str, strawberry.argument(description="a to j.")],
    ) -> ComplianceLetterType | None:
        async with info.context.read() as session:
            found = await posture.get_letter(session, info.context.actor, letter)
        return ComplianceLetterType.of(found)

    @strawberry.field(description="One point of the annex; an error, and null, for another.")
    async def compliance_point(
        self,
        info: Info,
        point: Annotated[str, strawberry.argument(description="Its number, as 9.2.")],
    ) -> CompliancePointType | None:
        async with info.context.read() as session:
            found = await posture.get_point(session, info.context.actor, point)
        return CompliancePointType.of(found)

    @strawberry.field(
        description="The whole record of attestations, newest first: replaced, expired and"
        " withdrawn ones too."
    )
    async def attestations(
        self,
        info: Info,
        subject: Annotated[
            str | None, strawberry.argument(description="A letter, as a, or a point, as 1.1.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[AttestationType]:
        context = info.context
        window = window_of(_NEWEST, first=first, after=after, last=last, before=before)

        async def count() -> int:
            async with context.read() as session:
                return await attestations.count_attestations(session, context.actor, subject)

        async with context.read() as session:
            page = await attestations.slice_attestations(session, context.actor, subject, window)
        return connection(page, _NEWEST, node=AttestationType.of, position=_position, count=count)


@strawberry.input(description="What to state.")
class AttestInput:
    subject: str = strawberry.field(
        description="A letter of Article 21(2), as a, or a point of the annex, as 1.1."
    )
    statement: str = strawberry.field(description="1 to 4000 characters.")
    evidence_url: str | None = strawberry.field(
        description="An http(s) address; shown, never opened by us.", default=None
    )
    valid_until: datetime | None = strawberry.field(
        description="Until it is withdrawn or replaced unless given.", default=None
    )


@strawberry.type(description="What attest answers.")
class AttestPayload(Payload):
    attestation: AttestationType | None = strawberry.field(
        description="What stands now.", default=None
    )


@strawberry.input(description="Which attestation to withdraw.")
class WithdrawAttestationInput:
    id: UUID = strawberry.field(description="Its databaseId.")


@strawberry.type(description="What withdrawAttestation answers.")
class WithdrawAttestationPayload(Payload):
    withdrawn_attestation_id: UUID | None = strawberry.field(
        description="It stays on record.", default=None
    )


@strawberry.type
class ComplianceMutation:
    @strawberry.mutation(description="State something about a letter or a point.")
    @typed_errors
    async def attest(
        self,
        info: Info,
        input: Annotated[AttestInput, strawberry.argument(description="What to state.")],
    ) -> AttestPayload:
        request = AttestationRequest(
            subject=inputs.text(input.subject, "subject", at_most=8),
            statement=inputs.text(input.statement, "statement", at_least=1, at_most=4000),
            evidence_url=inputs.optional_text(input.evidence_url, "evidence_url", at_most=2048),
            valid_until=input.valid_until,
        )
        async with info.context.write() as work:
            view = await attestations.attest(work, info.context.actor, request)
        return AttestPayload(attestation=AttestationType.of(view))

    @strawberry.mutation(description="Withdraw an attestation; it stays on record.")
    @typed_errors
    async def withdraw_attestation(
        self,
        info: Info,
        input: Annotated[WithdrawAttestationInput, strawberry.argument(description="Which.")],
    ) -> WithdrawAttestationPayload:
        async with info.context.write() as work:
            await attestations.withdraw_attestation(work, info.context.actor, input.id)
        return WithdrawAttestationPayload(withdrawn_attestation_id=input.id)
