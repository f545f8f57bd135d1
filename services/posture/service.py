"""Use cases of the posture. Computed when asked for: linear in failing checks and assets."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services import attestations, findings, scans
from services.actor import Actor, Permission
from services.compliance import Exposure, assess_exposure
from services.errors import NotFound
from services.findings import LiveExposure
from services.scans import LatestLooks

Json = dict[str, Any]  # Any: a JSON object


@dataclass(frozen=True, slots=True)
class Posture:
    exposure: Exposure
    live: LiveExposure
    looks: LatestLooks

    @property
    def letters(self) -> Sequence[Json]:
        """Of Article 21(2), a to j, as in the matrix of a scan."""
        return list(self.exposure.matrix.values())

    @property
    def catalog_versions(self) -> Sequence[str]:
        """Of the scans behind it; more than one: not all was looked at by the same checks."""
        return sorted({scan.catalog_version for scan in self.looks.scans if scan.catalog_version})


async def get_posture(session: AsyncSession, actor: Actor) -> Posture:
    """Of the whole organization. Empty, with no score, while nothing was scanned."""
    actor.require(Permission.COMPLIANCE_READ)
    live = await findings.live_exposure(session, actor.organization_id)
    looks = await scans.latest_looks(session, actor.organization_id)
    current = await attestations.current_attestations(session, actor.organization_id)
    exposure = await asyncio.to_thread(  # off the loop: thousands of hosts take a while to weigh
        assess_exposure,
        live.problems,
        looks.looked,
        {subject: view.as_json() for subject, view in current.items()},
    )
    return Posture(exposure, live, looks)


async def get_letter(session: AsyncSession, actor: Actor, letter: str) -> Json:
    """One letter with its points. Raises NotFound."""
    posture = await get_posture(session, actor)
    found = posture.exposure.matrix.get(f"art21_{letter.lower()}")
    if found is None:
        raise NotFound("letter")
    return found


async def get_point(session: AsyncSession, actor: Actor, point: str) -> Json:
    """One point of the annex. Raises NotFound."""
    posture = await get_posture(session, actor)
    for letter in posture.letters:
        for found in letter["points"]:
            if found["point"] == point:
                return found
    raise NotFound("point")
