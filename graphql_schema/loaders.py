"""Data loaders, one per edge of the graph: however many parents, one statement.

They live as long as one operation and go through its gate.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from strawberry.dataloader import DataLoader

from services import auth, organizations, schedules
from services.actor import Actor, Caller, Reader, Readers
from services.assets import AssetView
from services.assets.connection import assets_by_id
from services.auth import Profile
from services.findings import FindingFilter, FindingView
from services.findings.connection import (
    ParentWindow,
    count_asset_findings,
    count_organization_findings,
    count_scan_findings,
    findings_by_id,
    slice_asset_findings,
    slice_organization_findings,
    slice_scan_findings,
)
from services.keyset import Slice, Window
from services.organizations import OrganizationView
from services.reports import Report
from services.reports.connection import reports_by_id
from services.scans import Scan, ScanResult
from services.scans.connection import (
    count_scan_results,
    latest_scans,
    results_by_id,
    scans_by_id,
    slice_scan_results,
)
from services.schedules import ScheduleView

Value = TypeVar("Value")
Fetch = Callable[[AsyncSession, Reader, Sequence[UUID]], Awaitable[Mapping[UUID, Value]]]

_MAX_BATCH = 1000


class Asker(Protocol):
    """Whose eyes the loaders see with."""

    caller: Caller

    @property
    def actor(self) -> Actor: ...


class Loaders:
    """A value that is absent, foreign or deleted loads as None."""

    def __init__(
        self,
        read: Callable[[], AbstractAsyncContextManager[AsyncSession]],
        asker: Asker,
        readers: Readers | None = None,
    ) -> None:
        """In the active organization, or for ``readers`` in each of theirs."""
        self._read = read
        self._asker = asker
        self._readers = readers
        self._kept: dict[Hashable, DataLoader[UUID, Any]] = {}  # Any: each edge has its own type

    @property
    def asset(self) -> DataLoader[UUID, AssetView | None]:
        return self._keep("asset", assets_by_id)

    @property
    def scan(self) -> DataLoader[UUID, Scan | None]:
        return self._keep("scan", scans_by_id)

    @property
    def scan_result(self) -> DataLoader[UUID, ScanResult | None]:
        return self._keep("scan_result", results_by_id)

    @property
    def finding(self) -> DataLoader[UUID, FindingView | None]:
        return self._keep("finding", findings_by_id)

    @property
    def report(self) -> DataLoader[UUID, Report | None]:
        return self._keep(
            "report", lambda session, _, ids: reports_by_id(session, self._asker.actor, ids)
        )

    def findings_of_scan(self, asked: ParentWindow) -> DataLoader[UUID, Slice[FindingView] | None]:
        return self._keep(
            ("findings_of_scan", asked),
            lambda session, reader, ids: slice_scan_findings(session, reader, ids, asked),
        )

    def findings_of_asset(self, asked: ParentWindow) -> DataLoader[UUID, Slice[FindingView] | None]:
        return self._keep(
            ("findings_of_asset", asked),
            lambda session, reader, ids: slice_asset_findings(session, reader, ids, asked),
        )

    def results_of_scan(self, window: Window) -> DataLoader[UUID, Slice[ScanResult] | None]:
        return self._keep(
            ("results_of_scan", window),
            lambda session, reader, ids: slice_scan_results(session, reader, ids, window),
        )

    def finding_count_of_scan(self, filter_: FindingFilter) -> DataLoader[UUID, int | None]:
        return self._keep(
            ("finding_count_of_scan", filter_),
            lambda session, reader, ids: count_scan_findings(session, reader, ids, filter_),
        )

    def finding_count_of_asset(self, filter_: FindingFilter) -> DataLoader[UUID, int | None]:
        return self._keep(
            ("finding_count_of_asset", filter_),
            lambda session, reader, ids: count_asset_findings(session, reader, ids, filter_),
        )

    @property
    def latest_scan(self) -> DataLoader[UUID, Scan | None]:
        """Of an organization."""
        return self._keep("latest_scan", latest_scans)

    def findings_of_organization(
        self, asked: ParentWindow
    ) -> DataLoader[UUID, Slice[FindingView] | None]:
        return self._keep(
            ("findings_of_organization", asked),
            lambda session, reader, ids: slice_organization_findings(session, reader, ids, asked),
        )

    def finding_count_of_organization(self, filter_: FindingFilter) -> DataLoader[UUID, int | None]:
        return self._keep(
            ("finding_count_of_organization", filter_),
            lambda session, reader, ids: count_organization_findings(session, reader, ids, filter_),
        )

    @property
    def result_count_of_scan(self) -> DataLoader[UUID, int | None]:
        return self._keep("result_count_of_scan", count_scan_results)

    async def profile(self) -> Profile:
        """The caller, read once."""

        async def load(user_ids: list[UUID]) -> list[Profile]:
            async with self._read() as session:
                active = self._asker.caller.organization_id
                return [await auth.get_profile(session, user_id, active) for user_id in user_ids]

        loader = self._kept.setdefault("profile", DataLoader(load))
        return await loader.load(self._asker.caller.user_id)

    async def organizations(self) -> list[OrganizationView]:
        """The caller's organizations, read once."""

        async def load(user_ids: list[UUID]) -> list[list[OrganizationView]]:
            async with self._read() as session:
                return [
                    await organizations.list_organizations(session, user_id) for user_id in user_ids
                ]

        loader = self._kept.setdefault("organizations", DataLoader(load))
        return await loader.load(self._asker.caller.user_id)

    async def schedules(self) -> list[ScheduleView]:
        """Those of the active organization, newest first, read once."""

        async def load(organization_ids: list[UUID]) -> list[list[ScheduleView]]:
            async with self._read() as session:
                actor = self._asker.actor
                return [await schedules.list_schedules(session, actor) for _ in organization_ids]

        loader = self._kept.setdefault("schedules", DataLoader(load))
        return await loader.load(self._asker.actor.organization_id)

    def _keep(self, key: Hashable, fetch: Fetch[Value]) -> DataLoader[UUID, Value | None]:
        """The loader of this edge and these arguments, made when it is first asked for."""

        async def load(ids: list[UUID]) -> list[Value | None]:
            async with self._read() as session:
                found = await fetch(session, self._readers or self._asker.actor, ids)
            return [found.get(key) for key in ids]

        if key not in self._kept:
            self._kept[key] = DataLoader(load, max_batch_size=_MAX_BATCH)
        return self._kept[key]
