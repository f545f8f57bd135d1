"""What each target of a scan answered."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from graphql_schema.cursors import CursorType, parse_text
from graphql_schema.ids import Kind, global_id
from graphql_schema.nodes import Node
from services.keyset import Position
from services.scanner.check import Outcome
from services.scanner.result import TargetStatus
from services.scans import ScanResult

TARGET_CURSORS = CursorType("scan-result", (parse_text,))


@strawberry.type(description="What one check concluded at one endpoint of a target.")
class CheckVerdict:
    check_id: str = strawberry.field(description="The check.")
    outcome: Outcome = strawberry.field(description="What it concluded.")
    reason: str = strawberry.field(description="Why.")
    host: str = strawberry.field(description="The host it looked at.")
    port: int | None = strawberry.field(description="The port; null for the host as a whole.")
    protocol: str = strawberry.field(description="What was spoken there.")

    @classmethod
    def of(cls, check: dict[str, Any]) -> Self:  # Any: a JSON object
        return cls(
            check_id=check["id"],
            outcome=Outcome(check["outcome"]),
            reason=check["reason"],
            host=check["host"],
            port=check["port"],
            protocol=check["protocol"],
        )


@strawberry.type(name="ScanResult", description="What one target answered. Never changes.")
class ScanResultType(Node):
    database_id: UUID = strawberry.field(description="What REST calls id.")
    target: str = strawberry.field(description="The host that was looked at.")
    ip: str | None = strawberry.field(description="Its address.")
    status: TargetStatus = strawberry.field(description="How far it could be looked at.")
    reason: str = strawberry.field(description="Why it could not be evaluated; empty if it was.")
    is_alive: bool = strawberry.field(description="Whether it answered.")
    open_ports: list[int] | None = strawberry.field(description="Ports that accept connections.")
    services: JSON | None = strawberry.field(description="What answers at the ports, a list.")
    http_info: JSON | None = strawberry.field(description="Web servers, by port.")
    tls_info: JSON | None = strawberry.field(description="TLS servers, by port.")
    dns_info: JSON | None = strawberry.field(description="The zone of a domain.")
    mail_info: JSON | None = strawberry.field(description="Mail policies and servers.")
    errors: list[str] = strawberry.field(description="What went wrong on the way.")
    duration_ms: int = strawberry.field(description="How long it took.")
    created_at: datetime = strawberry.field(description="When it was stored.")
    verdicts: strawberry.Private[list[dict[str, Any]]]  # Any: JSON objects

    @strawberry.field(description="Every check with its outcome at every endpoint.")
    def checks(self) -> list[CheckVerdict]:
        return [CheckVerdict.of(verdict) for verdict in self.verdicts]

    @classmethod
    def of(cls, row: ScanResult) -> Self:
        return cls(
            id=global_id(Kind.SCAN_RESULT, row.id),
            database_id=row.id,
            target=row.target,
            ip=row.ip,
            status=row.status,
            reason=row.reason,
            is_alive=row.is_alive,
            open_ports=row.open_ports,
            services=_json(row.services),
            http_info=_json(row.http_info),
            tls_info=_json(row.tls_info),
            dns_info=_json(row.dns_info),
            mail_info=_json(row.mail_info),
            errors=row.errors,
            duration_ms=row.duration_ms,
            created_at=row.created_at,
            verdicts=row.checks,
        )


def by_target(result: ScanResult) -> Position:
    return (result.target,)


def _json(value: object) -> JSON | None:
    return None if value is None else JSON(value)
