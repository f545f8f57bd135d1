"""Assets: the domains, addresses and networks an organization watches."""

from services.assets.csv_export import export_assets
from services.assets.csv_import import (
    MAX_FILE_BYTES,
    ImportOptions,
    ImportReport,
    OnConflict,
    import_assets,
)
from services.assets.csv_rows import Issue
from services.assets.models import Asset, Criticality
from services.assets.queries import AssetFilter
from services.assets.service import (
    AssetChanges,
    AssetView,
    create_asset,
    delete_asset,
    find_active_assets,
    get_asset,
    list_assets,
    update_asset,
)

__all__ = [
    "MAX_FILE_BYTES",
    "Asset",
    "AssetChanges",
    "AssetFilter",
    "AssetView",
    "Criticality",
    "ImportOptions",
    "ImportReport",
    "Issue",
    "OnConflict",
    "create_asset",
    "delete_asset",
    "export_assets",
    "find_active_assets",
    "get_asset",
    "import_assets",
    "list_assets",
    "update_asset",
]
