"""The prefix and all routers."""

from fastapi import APIRouter

from rest import (
    api_keys,
    asset_files,
    assets,
    audit,
    auth,
    comparisons,
    compliance,
    events,
    finding_history,
    findings,
    health,
    members,
    organizations,
    passwords,
    reports,
    scans,
    schedules,
    trends,
)

router = APIRouter(prefix="/api/v1")
for part in (
    auth,
    passwords,
    scans,
    comparisons,
    events,
    findings,
    finding_history,
    compliance,
    trends,
    asset_files,  # before /assets/{asset_id}
    assets,
    schedules,
    reports,
    organizations,
    members,
    audit,
    api_keys,
    health,
):
    router.include_router(part.router)
