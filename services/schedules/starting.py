"""Starting the scan of a schedule, by its slot or by hand."""

from datetime import datetime

from services import assets, scans
from services.actor import Actor
from services.database import UnitOfWork
from services.errors import InvalidRequest
from services.scanner.profile import Features
from services.scans import Scan, ScanQuota, ScanRequest
from services.schedules import queries
from services.schedules.models import RunOutcome, RunReason, Schedule
from services.schedules.run_times import get_zone

_NAME_LENGTH = 230
"""What a name of 256 characters has room for beside the date."""


async def start_scan(
    work: UnitOfWork,
    actor: Actor,
    schedule: Schedule,
    at: datetime,
    *,
    quota: ScanQuota,
    is_scheduled: bool,
) -> Scan:
    """A pending scan of what can be scanned of the schedule now, and the schedule says so.

    ``is_scheduled``: by its slot, and not by hand.

    Raises InvalidRequest when none of its assets can, and what ``create_scan`` raises.
    """
    listed = await queries.assets_of(work.session, schedule.organization_id, [schedule.id])
    asset_ids = listed.get(schedule.id, [])
    usable = await assets.find_active_assets(work.session, actor, asset_ids)
    if not usable:
        raise InvalidRequest(
            "The schedule has no asset that can be scanned: they were deleted or switched off",
            code=RunReason.NO_USABLE_ASSET,
        )
    scan = await scans.create_scan(
        work,
        actor,
        ScanRequest(
            asset_ids=[asset.id for asset in usable],
            name=f"{schedule.name[:_NAME_LENGTH]} {_clock(schedule, at)}",
            scan_type=schedule.scan_type,
            features=Features(**schedule.features) if schedule.features else None,
            is_scheduled=is_scheduled,
        ),
        quota,
    )
    scan.schedule_id = schedule.id
    schedule.last_run_at = at
    schedule.last_scan_id = scan.id
    schedule.last_outcome = RunOutcome.STARTED
    is_smaller = len(usable) < len(asset_ids)
    schedule.last_reason = RunReason.SOME_ASSETS_UNUSABLE if is_smaller else None
    return scan


def _clock(schedule: Schedule, at: datetime) -> str:
    return f"{at.astimezone(get_zone(schedule.timezone)):%Y-%m-%d %H:%M}"
