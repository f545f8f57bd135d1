"""Assets as a CSV file that a spreadsheet opens and an import takes back unchanged."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from services.actor import Actor, Permission
from services.assets import import_queries
from services.assets.csv_rows import COLUMNS, join_tags
from services.assets.models import Criticality
from services.assets.queries import AssetFilter
from services.database import Change, UnitOfWork
from services.scanner.target import TargetType
from services.spreadsheet import write_csv


async def export_assets(work: UnitOfWork, actor: Actor, filter_: AssetFilter) -> bytes:
    """Oldest first. No cell of it is ever taken for a formula."""
    actor.require(Permission.ASSETS_READ)
    rows = await import_queries.all_assets(work.session, actor.organization_id, filter_)
    work.record(actor, "assets.exported", Change("asset", after={"assets": len(rows)}))
    # Off the loop: an export is as long as the list.
    return await asyncio.to_thread(write_assets, [ExportedAsset(*row) for row in rows])


@dataclass(frozen=True, slots=True)
class ExportedAsset:
    """The columns of an asset that a file holds, in the order of ``COLUMNS``."""

    name: str
    target_type: TargetType
    target_value: str
    tags: list[str]
    criticality: Criticality
    owner_email: str | None
    description: str | None
    is_active: bool

    def cells(self) -> tuple[str, ...]:
        return (
            self.name,
            self.target_type.value,
            self.target_value,
            join_tags(self.tags),
            self.criticality.value,
            self.owner_email or "",
            self.description or "",
            "true" if self.is_active else "false",
        )


def write_assets(assets: Iterable[ExportedAsset]) -> bytes:
    return write_csv(COLUMNS, (asset.cells() for asset in assets))
