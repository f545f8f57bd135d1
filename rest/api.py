"""The prefix and all routers."""

from fastapi import APIRouter

from rest import assets, auth, findings, health, organizations, reports, scans, schedules

router = APIRouter(prefix="/api/v1")
for part in (auth, scans, findings, assets, schedules, reports, organizations, health):
    router.include_router(part.router)
