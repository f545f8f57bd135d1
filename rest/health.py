"""Liveness and readiness."""

from typing import Literal, Self

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from services.health import PartStatus, Readiness, ReadinessProbe

router = APIRouter(prefix="/health", tags=["Health"])


class HealthResponse(BaseModel):
    status: Literal["ok"] = "ok"


class ReadinessChecks(BaseModel):
    database: PartStatus
    redis: PartStatus
    migrations: PartStatus
    worker: PartStatus


class ReadinessResponse(BaseModel):
    status: Literal["ok", "degraded"]
    checks: ReadinessChecks

    @classmethod
    def of(cls, readiness: Readiness) -> Self:
        return cls(
            status="degraded" if readiness.is_degraded else "ok",
            checks=ReadinessChecks(
                database=readiness.database,
                redis=readiness.redis,
                migrations=readiness.migrations,
                worker=readiness.worker,
            ),
        )


@router.get("")
async def get_health() -> HealthResponse:
    """Whether the process lives; asks nobody."""
    return HealthResponse()


@router.get(
    "/ready", responses={503: {"model": ReadinessResponse, "description": "A part is away"}}
)
async def get_readiness(request: Request, response: Response) -> ReadinessResponse:
    """Whether database and Redis answer; the worker's absence degrades and does not fail."""
    probe: ReadinessProbe = request.state.readiness
    readiness = await probe.check()
    response.status_code = 200 if readiness.is_ready else 503
    return ReadinessResponse.of(readiness)
